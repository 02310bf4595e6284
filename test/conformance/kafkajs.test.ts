import { inject } from 'vitest'
import { KafkaJsClient } from './clients/kafkajs.ts'
import { describeClient } from './describe-client.ts'

describeClient('kafkajs', new KafkaJsClient(inject('bootstrap')))
