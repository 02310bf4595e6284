import { describe, expect, test } from 'vitest'
import {
  ConfigError,
  describeSettings,
  oneOf,
  optionalText,
  readSettings,
  text,
  wholeNumber,
  yesNo,
} from './config-table.ts'

const table = {
  kafkaPort: wholeNumber({
    variable: 'KAFKA_PORT',
    fallback: 9092,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
    doc: 'Port',
  }),
  postgres: text({ variable: 'PG', placeholder: 'URL', doc: 'Where the metadata lies' }),
  rack: optionalText({ variable: 'RACK', placeholder: 'NAME', doc: 'Zone' }),
  once: yesNo({ variable: 'ONCE', doc: 'Stop after the demonstration' }),
  durability: oneOf(['sync', 'os'], { variable: 'DURABILITY', fallback: 'sync', doc: 'Durability' }),
}

describe('settings', () => {
  test('come from flags before variables before defaults', () => {
    const settings = readSettings(table, ['--kafka-port', '1', '--once', '--postgres=a=b'], {
      KAFKA_PORT: '2',
      RACK: 'z',
    })
    expect(settings).toEqual({ kafkaPort: 1, postgres: 'a=b', rack: 'z', once: true, durability: 'sync' })
    expect(readSettings(table, [], { PG: 'x', RACK: '', ONCE: '0' })).toMatchObject({
      kafkaPort: 9092,
      rack: null,
      once: false,
    })
  })

  test('that are wrong are all named at once', () => {
    const read = () =>
      readSettings(table, ['--kafka-port', '70000', '--prot', '--durability=maybe'], { ONCE: 'perhaps' })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(
      [
        '--prot is not a flag of this program; --help lists them',
        "--kafka-port: '70000' is not a whole number from 0 to 65535",
        '--postgres (or PG) is required: Where the metadata lies',
        "ONCE: 'perhaps' is neither true nor false",
        "--durability: 'maybe' is not one of sync, os",
      ].join('\n'),
    )
    expect(() => readSettings(table, ['--postgres'], {})).toThrow('--postgres needs a value: URL')
  })

  test('are listed by --help with flag, default and variable', () => {
    expect(describeSettings(table)).toContain('  --kafka-port PORT     Port (default 9092); KAFKA_PORT\n')
  })
})
