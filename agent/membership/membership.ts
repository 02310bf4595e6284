import type { Clock } from '@streamhouse/platform/clock'
import type { Database } from '@streamhouse/platform/database'
import type { Log } from '@streamhouse/platform/log'
import type { Random } from '@streamhouse/platform/random'
import type { Timer, Timers } from '@streamhouse/platform/timers'
import {
  type AgentRow,
  announceAgent,
  listAgents,
  removeAgent,
  removeAgentsAt,
} from '@streamhouse/storage/metadata/agents'
import { claimNodeId, renewAgent } from '@streamhouse/storage/metadata/claim-node-id'
import { AgentError } from '../errors.ts'

export interface MembershipOptions {
  readonly database: Database
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  /** The node id, or null to claim the one that the address had before, or the lowest that is free. */
  readonly nodeId: number | null
  /** Where the agent's clients and peers reach it; asked when it joins, for a free port is known only then. */
  readonly address: () => { readonly host: string; readonly port: number }
  readonly rack: string | null
  /** 2,000 when absent. */
  readonly heartbeatIntervalMs?: number
  /** How long after its last heartbeat an agent counts as alive; 10,000 when absent. */
  readonly liveWithinMs?: number
  /** How long an agent must have been silent before another claims its node id; 60,000 when absent. */
  readonly claimAfterMs?: number
}

/** The live agents as request handlers see them. */
export interface ClusterView {
  /** This agent; null until it is announced. */
  readonly self: AgentRow | null
  /** The live agents by node id, this one among them once it is announced. */
  readonly agents: readonly AgentRow[]
}

const claimTriesMax = 20

/** Keeps this agent in the table of agents, and a snapshot of those alive. */
export class Membership implements ClusterView {
  readonly incarnation: string
  readonly #options: MembershipOptions
  readonly #heartbeatIntervalMs: number
  readonly #liveWithinMs: number
  #self: AgentRow | null = null
  #agents: readonly AgentRow[] = []
  #heardMs = Number.NEGATIVE_INFINITY
  #replaced = false
  #failing = false
  #left = false
  #timer: Timer | null = null
  #beating: Promise<void> = Promise.resolve()

  constructor(options: MembershipOptions) {
    this.#options = options
    this.incarnation = options.random.uuid()
    this.#heartbeatIntervalMs = options.heartbeatIntervalMs ?? 2_000
    this.#liveWithinMs = options.liveWithinMs ?? 10_000
  }

  get self(): AgentRow | null {
    return this.#self
  }

  get agents(): readonly AgentRow[] {
    return this.#agents
  }

  /** Whether the other agents take this one for alive. */
  get announced(): boolean {
    const sinceMs = this.#options.clock.monotonicMs() - this.#heardMs
    return !this.#left && !this.#replaced && sinceMs < this.#liveWithinMs
  }

  /**
   * Announces the agent and begins its heartbeat.
   * @throws DatabaseError, AgentError NoFreeNodeId
   */
  async join(): Promise<AgentRow> {
    const { database, clock, nodeId, address, rack } = this.#options
    const { host, port } = address()
    const { incarnation } = this
    const startedMs = clock.monotonicMs()
    const agent = { incarnation, host, port, rack }
    const self = { nodeId: nodeId ?? (await this.#claim(agent)), ...agent }
    if (nodeId !== null) await announceAgent(database, self)
    await removeAgentsAt(database, self)
    this.#self = self
    this.#heardMs = startedMs
    await this.#look()
    this.#schedule()
    return self
  }

  /** Takes the agent off the table, so that clients and peers stop coming. A failure only delays that. */
  async leave(): Promise<void> {
    if (this.#left) return
    this.#left = true
    this.#timer?.cancel()
    await this.#beating
    if (this.#self === null) return
    try {
      await removeAgent(this.#options.database, this.#self.nodeId, this.incarnation)
    } catch (error) {
      this.#options.log.warn('The agent could not be taken off the list; it counts as alive a while longer', {
        nodeId: this.#self.nodeId,
        error,
      })
    }
  }

  async #claim(agent: Omit<AgentRow, 'nodeId'>): Promise<number> {
    const { database, claimAfterMs } = this.#options
    for (let tries = 0; tries < claimTriesMax; tries++) {
      const nodeId = await claimNodeId(database, agent, claimAfterMs ?? 60_000)
      if (nodeId !== null) return nodeId
    }
    throw new AgentError(
      'NoFreeNodeId',
      `No node id could be claimed in ${claimTriesMax} tries; configure one`,
    )
  }

  #schedule(): void {
    if (this.#left) return
    this.#timer = this.#options.timers.after(this.#heartbeatIntervalMs, () => {
      this.#beating = this.#beat().then(() => this.#schedule())
    })
  }

  async #beat(): Promise<void> {
    const { database, clock, log } = this.#options
    const self = this.#self!
    try {
      const startedMs = clock.monotonicMs()
      if (await renewAgent(database, self.nodeId, self.incarnation)) this.#heardMs = startedMs
      else await this.#reclaim(self)
      await this.#look()
      if (this.#failing) log.info('The agent is heard of again', { nodeId: self.nodeId })
      this.#failing = false
    } catch (error) {
      if (!this.#failing) log.warn('The agent could not say that it lives', { nodeId: self.nodeId, error })
      this.#failing = true
    }
  }

  /** The row is gone or another's. A row that is gone is put back; another agent's is left alone. */
  async #reclaim(self: AgentRow): Promise<void> {
    const { database, clock, log } = this.#options
    await this.#look()
    const now = this.#agents.find((agent) => agent.nodeId === self.nodeId)
    const taken = now !== undefined && now.incarnation !== self.incarnation
    if (taken) {
      if (!this.#replaced) {
        log.error('Another agent has taken the node id: give each agent its own', {
          nodeId: self.nodeId,
          other: `${now.host}:${now.port}`,
        })
      }
      this.#replaced = true
      return
    }
    const startedMs = clock.monotonicMs()
    await announceAgent(database, self)
    this.#heardMs = startedMs
    this.#replaced = false
  }

  async #look(): Promise<void> {
    this.#agents = await listAgents(this.#options.database, this.#liveWithinMs)
  }
}
