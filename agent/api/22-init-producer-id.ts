/**
 * InitProducerId (key 22), versions 0 to 5.
 *
 * Gives an idempotent producer an id with epoch 0; as in Kafka, one without a transactional id bumps its epoch by itself
 * (KIP-360), so whatever id and epoch it sends is of no account. Transactional ids are refused: there are no transactions yet.
 */
import type { Database } from '@streamhouse/platform/database'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import {
  type InitProducerIdRequest,
  type InitProducerIdResponseInput,
  initProducerId,
} from '@streamhouse/proto/kafka/generated/22-init-producer-id'
import { allocateProducerId } from '@streamhouse/storage/metadata/producer-ids'
import type { Handler } from './handler.ts'

export interface InitProducerIdOptions {
  readonly database: Database
}

export function initProducerIdHandler(
  options: InitProducerIdOptions,
): Handler<InitProducerIdRequest, InitProducerIdResponseInput> {
  return {
    codec: initProducerId,
    minVersion: 0,
    maxVersion: 5,
    async handle(request) {
      if (request.transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
      if (request.transactionalId !== null) return refused(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      return { producerId: await allocateProducerId(options.database), producerEpoch: 0 }
    },
    failure: (_request, errorCode) => refused(errorCode),
  }
}

function refused(errorCode: number): InitProducerIdResponseInput {
  return { errorCode, producerId: -1n, producerEpoch: -1 }
}
