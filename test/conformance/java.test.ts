import { inject } from 'vitest'
import { openJava } from './clients/programs.ts'
import { describeClient } from './describe-client.ts'

describeClient('kafka-clients', await openJava(inject('bootstrap')))
