import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runTranscript } from './testing/transcript.ts'

const folder = join(import.meta.dirname, 'testdata')
/** `REWRITE_TRANSCRIPTS=1` writes the outputs as they are; read the diff before committing it. */
const rewrite = process.env.REWRITE_TRANSCRIPTS === '1'

describe('group transcripts', () => {
  for (const file of readdirSync(folder)) {
    test(`${file}, run as it is written, answers as it is written`, () => {
      const path = join(folder, file)
      const written = readFileSync(path, 'utf8')
      const played = runTranscript(written)
      if (rewrite) writeFileSync(path, played)
      else expect(played).toBe(written)
    })
  }
})
