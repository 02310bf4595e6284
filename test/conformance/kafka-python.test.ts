import { inject } from 'vitest'
import { openKafkaPython } from './clients/programs.ts'
import { describeClient } from './describe-client.ts'

describeClient('kafka-python', await openKafkaPython(inject('bootstrap')))
