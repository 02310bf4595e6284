import { Reader } from '@streamhouse/proto/kafka/codec/reader'
import { Writer } from '@streamhouse/proto/kafka/codec/writer'
import { consumerProtocolAssignment } from '@streamhouse/proto/kafka/generated/consumer-protocol-assignment'
import { consumerProtocolSubscription } from '@streamhouse/proto/kafka/generated/consumer-protocol-subscription'

export interface AssignedTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

const versionBytes = 2

export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new Writer()
  writer.int16(0)
  consumerProtocolSubscription.encode(writer, { topics }, 0)
  return writer.finishBuffer()
}

export function encodeAssignment(assignedPartitions: readonly AssignedTopic[]): Buffer {
  const writer = new Writer()
  writer.int16(0)
  consumerProtocolAssignment.encode(writer, { assignedPartitions }, 0)
  return writer.finishBuffer()
}

export function decodeAssignment(bytes: Buffer): readonly AssignedTopic[] {
  if (bytes.length < versionBytes) return []
  return consumerProtocolAssignment.decode(new Reader(bytes, versionBytes), 0).assignedPartitions
}

/** Deals the partitions of each topic out to the members, one after another. */
export function assignRoundRobin(
  members: readonly string[],
  topics: readonly { readonly name: string; readonly partitions: number }[],
): Map<string, AssignedTopic[]> {
  const assignments = new Map<string, AssignedTopic[]>(members.map((member) => [member, []]))
  if (members.length === 0) return assignments
  for (const [shift, { name, partitions }] of topics.entries()) {
    const dealt = new Map<string, number[]>()
    for (let partition = 0; partition < partitions; partition++) {
      const member = members[(partition + shift) % members.length]!
      dealt.set(member, [...(dealt.get(member) ?? []), partition])
    }
    for (const [member, list] of dealt) assignments.get(member)!.push({ topic: name, partitions: list })
  }
  return assignments
}
