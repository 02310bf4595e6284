import { inject } from 'vitest'
import { openConfluentKafka } from './clients/programs.ts'
import { describeClient } from './describe-client.ts'

describeClient('confluent-kafka', await openConfluentKafka(inject('bootstrap')))
