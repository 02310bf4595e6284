import { type Abilities, allCodecs, type KafkaClient } from '../client.ts'
import { type Program, ProgramClient } from '../program-client.ts'
import { goProgram } from './go-program.ts'
import { javaProgram } from './java-program.ts'
import { pythonProgram } from './python-program.ts'

const everything = {
  codecs: allCodecs,
  idempotence: true,
  admin: true,
  timestamps: true,
  bytes: true,
  nothing: true,
  headerList: true,
  alterConfigsKey: 44,
} as const

type Opener = (bootstrap: string) => Promise<KafkaClient | null>

function opener(
  name: string,
  build: () => Promise<Program | null>,
  abilities: Abilities = everything,
): Opener {
  return async (bootstrap) => {
    const program = await build()
    return program === null ? null : new ProgramClient(name, abilities, program, bootstrap)
  }
}

/** Each starts its program, or gives null, with the reason told, when its language is absent. */
export const openKafkaPython = opener('kafka-python', () => pythonProgram('kafka_python_client.py'), {
  ...everything,
  nothing: false,
})
export const openConfluentKafka = opener('confluent-kafka', () => pythonProgram('confluent_client.py'))
export const openFranzGo = opener('franz-go', goProgram)
export const openJava = opener('kafka-clients', javaProgram)
