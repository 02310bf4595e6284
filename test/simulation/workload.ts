import type { SeededRandom } from '@streamhouse/platform/simulated/random'
import { ErrorCode } from '@streamhouse/proto/kafka/errors'
import { createTopics } from '@streamhouse/proto/kafka/generated/19-create-topics'
import { deleteTopics } from '@streamhouse/proto/kafka/generated/20-delete-topics'
import { createPartitions } from '@streamhouse/proto/kafka/generated/37-create-partitions'
import type { Cluster, KnownTopic } from './client/cluster.ts'
import { NoAnswer } from './client/connection.ts'
import { earliest, latest, offsetAt, type Position } from './client/fetch.ts'
import { GroupMember } from './client/group-member.ts'
import { Poller } from './client/poller.ts'
import { Producer } from './client/producer.ts'
import type { World } from './world/world.ts'

/** Topics that stay; others come and go. */
export const lastingTopics: readonly { readonly name: string; readonly partitions: number }[] = [
  { name: 'orders', partitions: 3 },
  { name: 'events', partitions: 1 },
]
const lastingNames = lastingTopics.map(({ name }) => name)
const partitionsMax = 5
const churnTopicsMax = 3
const adminTimeoutMs = 3_000

/** Operations that are left; each client takes one at a time. */
class Budget {
  #left: number

  constructor(operations: number) {
    this.#left = operations
  }

  take(): boolean {
    return this.#left-- > 0
  }

  get spent(): boolean {
    return this.#left <= 0
  }
}

/** The clients of a run: producers, consumers by position, group members, and an administrator. */
export class Workload {
  readonly #world: World
  readonly #budget: Budget
  readonly #producers: Producer[] = []
  /** Topics that come and go, by name. */
  readonly #churn: string[] = []
  #churnCount = 0

  constructor(world: World, operations: number) {
    this.#world = world
    this.#budget = new Budget(operations)
  }

  /** Makes the lasting topics; call it while nothing fails. */
  async prepare(): Promise<void> {
    const admin = this.#world.client('preparation')
    for (const { name, partitions } of lastingTopics) {
      let code: number
      do {
        code = await createTopic(admin, name, partitions)
        if (code !== ErrorCode.NONE) await admin.timers.sleep(100)
      } while (code !== ErrorCode.NONE && code !== ErrorCode.TOPIC_ALREADY_EXISTS)
    }
    await admin.close()
  }

  /** Resolves when the operations are used up and nothing is under way. */
  async run(): Promise<void> {
    const random = this.#world.random.fork('workload')
    const clients = [
      this.#produce('producer-a', true, random),
      this.#produce('producer-b', true, random),
      this.#produce('producer-c', random.integer(2) === 0, random),
      this.#produce('producer-d', false, random),
      this.#consume('reader-a'),
      this.#consume('reader-b'),
      this.#belong('member-a', 'group-1'),
      this.#belong('member-b', 'group-1'),
      this.#belong('member-c', 'group-1'),
      this.#belong('member-d', 'group-2'),
      this.#administer('admin'),
    ]
    await Promise.all(clients)
  }

  /** Resolves when every record has its fate. */
  async settle(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.flush()))
  }

  async #produce(name: string, idempotent: boolean, random: SeededRandom): Promise<void> {
    const { history, clock } = this.#world
    const cluster = this.#world.client(name)
    const compressions = ['none', 'none', 'gzip', 'lz4'] as const
    const producer = new Producer({
      cluster,
      history,
      clock,
      idempotent,
      inFlightMax: 1 + random.integer(5),
      deliveryTimeoutMs: 5_000 + random.integer(25_000),
      compression: compressions[random.integer(compressions.length)]!,
    })
    this.#producers.push(producer)
    await producer.start()
    while (this.#budget.take()) {
      await cluster.timers.sleep(cluster.random.integer(1_800))
      const topic = await this.#anyTopic(cluster)
      if (topic === null) continue
      // Several at once, so that requests of a partition overtake each other where they can.
      const batches = 1 + cluster.random.integer(6)
      for (let batch = 0; batch < batches; batch++) {
        const index = cluster.random.integer(topic.leaders.length)
        producer.send(topic, index, 1 + cluster.random.integer(5))
      }
      if (cluster.random.integer(20) === 0) await cluster.refresh(lastingNames)
    }
  }

  /** A lasting topic, or now and then one that may be deleted. */
  async #anyTopic(cluster: Cluster): Promise<KnownTopic | null> {
    const fleeting = this.#churn.length > 0 && cluster.random.integer(6) === 0
    const names = fleeting ? this.#churn : lastingNames
    const name = names[cluster.random.integer(names.length)]!
    if (cluster.topic(name) === undefined) await cluster.refresh([name])
    return cluster.topic(name) ?? null
  }

  async #consume(name: string): Promise<void> {
    const cluster = this.#world.client(name)
    const poller = new Poller(name, cluster, this.#world.history)
    let positions: Position[] = []
    while (this.#budget.take()) {
      await cluster.timers.sleep(cluster.random.integer(1_200))
      if (positions.length === 0 || cluster.random.integer(15) === 0) {
        positions = await this.#seekSomewhere(cluster, positions)
        for (const position of positions) poller.seek(position)
      }
      const lost = await poller.poll(positions)
      positions = positions.filter((position) => !lost.includes(position))
    }
  }

  async #seekSomewhere(cluster: Cluster, positions: readonly Position[]): Promise<Position[]> {
    const names = [...lastingNames, ...this.#churn]
    await cluster.refresh(names)
    const next: Position[] = []
    for (const name of names) {
      const topic = cluster.topic(name)
      if (topic === undefined) continue
      const { topicId } = topic
      for (const index of topic.leaders.keys()) {
        const known = positions.find((position) => position.topicId === topicId && position.index === index)
        const choice = cluster.random.integer(4)
        const offset =
          choice === 0 && known !== undefined
            ? BigInt(cluster.random.integer(Number(known.offset) + 1))
            : await offsetAt(
                cluster,
                cluster.leaderOf(topic, index),
                name,
                index,
                choice === 1 ? latest : earliest,
              ).catch(ignoreNoAnswer)
        if (offset !== null) next.push({ topicName: name, topicId, index, offset })
      }
    }
    return next
  }

  async #belong(name: string, group: string): Promise<void> {
    const { history } = this.#world
    const cluster = this.#world.client(name)
    const member = new GroupMember({
      cluster,
      history,
      group,
      topics: lastingNames,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 4_000,
    })
    const poller = new Poller(name, cluster, history)
    let positions: Position[] = []
    while (this.#budget.take()) {
      await cluster.timers.sleep(100 + cluster.random.integer(600))
      if (member.standing !== 'member') {
        positions = (await this.#enter(member)) ?? []
        for (const position of positions) poller.seek(position)
        continue
      }
      await poller.poll(positions)
      if (positions.length > 0 && cluster.random.integer(2) === 0) await member.commit(positions)
      else await member.heartbeat()
      await this.#misbehave(cluster, member, positions)
    }
    if (member.standing === 'member') await member.leave()
  }

  async #enter(member: GroupMember): Promise<Position[] | null> {
    const assigned = await member.join()
    if (assigned === null) return null
    const committed = assigned.length === 0 ? [] : await member.committed(assigned)
    if (committed === null) {
      member.standing = 'rejoin'
      return null
    }
    return committed.map((partition) => ({
      ...partition,
      offset: partition.offset < 0n ? 0n : partition.offset,
    }))
  }

  /** Now and then a member leaves, dies, or stalls for longer than its session and then commits all the same. */
  async #misbehave(cluster: Cluster, member: GroupMember, positions: readonly Position[]): Promise<void> {
    const choice = cluster.random.integer(60)
    if (choice === 0) await member.leave()
    else if (choice === 1) member.forget()
    else if (choice === 2) {
      await cluster.timers.sleep(cluster.random.integer(12_000))
      // Without a generation it would be a commit from outside, which an empty group takes.
      if (positions.length > 0 && member.generation >= 0) await member.commit(positions)
    }
  }

  async #administer(name: string): Promise<void> {
    const { history } = this.#world
    const cluster = this.#world.client(name)
    while (this.#budget.take()) {
      await cluster.timers.sleep(500 + cluster.random.integer(1_500))
      const choice = cluster.random.integer(4)
      if (choice === 0) await this.#deleteTopic(cluster)
      else if (choice === 1) await growTopic(cluster)
      else if (this.#churn.length < churnTopicsMax) {
        const topic = `fleeting-${this.#churnCount++}`
        const code = await createTopic(cluster, topic, 1 + cluster.random.integer(3))
        history.note(`Creating ${topic} ended with ${code}`)
        this.#churn.push(topic)
      }
    }
  }

  async #deleteTopic(cluster: Cluster): Promise<void> {
    const { history } = this.#world
    const name = this.#churn[cluster.random.integer(this.#churn.length + 1)]
    if (name === undefined) return
    await cluster.refresh([name])
    const topic = cluster.topic(name)
    if (topic === undefined) return
    this.#churn.splice(this.#churn.indexOf(name), 1)
    history.add({ type: 'deleting', topicId: topic.topicId })
    try {
      const request = { topics: [{ name: null, topicId: topic.topicId }], timeoutMs: adminTimeoutMs }
      await cluster.call(cluster.anyBroker(), deleteTopics, 6, request)
    } catch (error) {
      ignoreNoAnswer(error)
    }
  }

  get spent(): boolean {
    return this.#budget.spent
  }
}

function ignoreNoAnswer(error: unknown): null {
  if (error instanceof NoAnswer) return null
  throw error
}

async function createTopic(cluster: Cluster, name: string, numPartitions: number): Promise<number> {
  const topic = { name, numPartitions, replicationFactor: -1, assignments: [], configs: [] }
  const request = { topics: [topic], timeoutMs: adminTimeoutMs }
  try {
    const answer = await cluster.call(cluster.anyBroker(), createTopics, 7, request)
    return answer.topics[0]!.errorCode
  } catch (error) {
    ignoreNoAnswer(error)
    return ErrorCode.REQUEST_TIMED_OUT
  }
}

/** Gives one of the lasting topics one more partition. */
async function growTopic(cluster: Cluster): Promise<void> {
  const name = lastingNames[cluster.random.integer(lastingNames.length)]!
  await cluster.refresh([name])
  const count = (cluster.topic(name)?.leaders.length ?? partitionsMax) + 1
  if (count > partitionsMax) return
  const request = {
    topics: [{ name, count, assignments: null }],
    timeoutMs: adminTimeoutMs,
    validateOnly: false,
  }
  await cluster.call(cluster.anyBroker(), createPartitions, 3, request).catch(ignoreNoAnswer)
}
