import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import type { FinalLog } from './checkers/checker.ts'
import type { Address, Cluster } from './client/cluster.ts'
import { NoAnswer } from './client/connection.ts'
import { fetchOnce, latest, offsetAt, type Position } from './client/fetch.ts'
import { partitionName, type ReadRecord } from './history.ts'
import { type AgentProcess, kafkaPort } from './world/agent-process.ts'
import type { World } from './world/world.ts'

const triesMax = 200
const retryMs = 100
const settings = { version: 16, maxWaitMs: 100, maxBytes: 1_048_576, partitionMaxBytes: 262_144 }

/** A healed cluster did not do what it must. */
export class NotHealed extends Error {}

/**
 * Reads every partition to its end through every agent.
 * @throws NotHealed when that cannot be done
 */
export async function readEverything(world: World): Promise<FinalLog[]> {
  const logs: FinalLog[] = []
  for (const agent of world.agents) {
    const cluster = world.client(`final reader of ${agent.name}`, [agent])
    logs.push(...(await readThrough(agent, cluster)))
    await cluster.close()
  }
  return logs
}

async function readThrough(agent: AgentProcess, cluster: Cluster): Promise<FinalLog[]> {
  const address = { host: agent.name, port: kafkaPort }
  const names = await untilAnswered(cluster, `${agent.name} lists topics`, () => cluster.topicNames())
  const logs: FinalLog[] = []
  for (const name of names.sort()) {
    const topic = await untilAnswered(cluster, `${agent.name} describes ${name}`, async () => {
      await cluster.refresh([name])
      return cluster.topic(name) ?? null
    })
    for (const index of topic.leaders.keys()) {
      const position = { topicName: name, topicId: topic.topicId, index, offset: 0n }
      logs.push(await readPartition(agent, cluster, address, position))
    }
  }
  return logs
}

async function readPartition(
  agent: AgentProcess,
  cluster: Cluster,
  address: Address,
  position: Position,
): Promise<FinalLog> {
  const { topicName, topicId, index } = position
  const what = `${agent.name} serves ${topicName}/${index}`
  const highWatermark = await untilAnswered(cluster, what, () =>
    offsetAt(cluster, address, topicName, index, latest),
  )
  const records: ReadRecord[] = []
  while (position.offset < highWatermark) {
    const more = await untilAnswered(cluster, `${what} at offset ${position.offset}`, async () => {
      const [fetched] = await fetchOnce(cluster, address, [position], settings)
      const some = fetched?.errorCode === ErrorCode.NONE && fetched.records.length > 0
      return some ? fetched.records : null
    })
    records.push(...more)
    position.offset = more.at(-1)!.offset + 1n
  }
  return { agent: agent.name, partition: partitionName(topicId, index), highWatermark, records }
}

async function untilAnswered<T>(cluster: Cluster, what: string, ask: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      const answer = await ask()
      if (answer !== null) return answer
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    }
    await cluster.timers.sleep(retryMs)
  }
  throw new NotHealed(`After healing it cannot be seen that ${what}`)
}
