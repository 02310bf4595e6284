import { describe } from 'vitest'
import { groupStoreContract } from './group-store.contract.ts'
import { MemoryGroupStore } from './testing/memory-group-store.ts'

describe('group store in memory', () => {
  let nowMs = 1_000_000
  const store = new MemoryGroupStore({ nowMs: () => nowMs, monotonicMs: () => nowMs })
  groupStoreContract(() => ({
    store,
    organizationId: '5b1f6f0e-6a0f-4a3c-8a51-000000000001',
    otherOrganizationId: '5b1f6f0e-6a0f-4a3c-8a51-000000000002',
    topics: [
      { topicId: '7d0c4b57-9f4e-4f0b-9d2f-000000000001', name: 'one' },
      { topicId: '7d0c4b57-9f4e-4f0b-9d2f-000000000002', name: 'two' },
    ],
    first: { nodeId: 1, incarnation: '1f6b1a2e-1111-4a3c-8a51-000000000001' },
    second: { nodeId: 2, incarnation: '1f6b1a2e-1111-4a3c-8a51-000000000002' },
    pass: async (ms) => {
      nowMs += ms
    },
  }))
})
