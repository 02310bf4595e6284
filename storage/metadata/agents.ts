import type { Queryable } from '@streamhouse/platform/database'

/** A running agent as its peers and clients see it. */
export interface AgentRow {
  /** The broker id in Kafka's protocol. */
  readonly nodeId: number
  /** Differs between two lives of the same node id. */
  readonly incarnation: string
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Announces an agent, or says that it still lives; takes the node id over from an earlier incarnation. */
export async function announceAgent(database: Queryable, agent: AgentRow): Promise<void> {
  await database.query({
    name: 'announce_agent',
    text: `insert into agents (node_id, incarnation, host, port, rack) values ($1, $2, $3, $4, $5)
           on conflict (node_id) do update set incarnation = excluded.incarnation, host = excluded.host,
             port = excluded.port, rack = excluded.rack, heartbeat_at = now(),
             started_at = case when agents.incarnation = excluded.incarnation then agents.started_at else now() end`,
    values: [agent.nodeId, agent.incarnation, agent.host, agent.port, agent.rack],
  })
}

/** The agents heard of within the last `withinMs`, by node id. */
export async function listAgents(database: Queryable, withinMs: number): Promise<AgentRow[]> {
  const result = await database.query<{
    node_id: number
    incarnation: string
    host: string
    port: number
    rack: string | null
  }>({
    name: 'list_agents',
    text: `select node_id, incarnation, host, port, rack from agents
           where heartbeat_at > now() - $1 * interval '1 ms' order by node_id`,
    values: [withinMs],
  })
  return result.rows.map((row) => ({
    nodeId: row.node_id,
    incarnation: row.incarnation,
    host: row.host,
    port: row.port,
    rack: row.rack,
  }))
}

/** Takes an agent off the list, unless another incarnation has its node id by now. */
export async function removeAgent(database: Queryable, nodeId: number, incarnation: string): Promise<void> {
  await database.query({
    text: 'delete from agents where node_id = $1 and incarnation = $2',
    values: [nodeId, incarnation],
  })
}

/** Takes agents off the list that announced the same address under another node id: they cannot be there any more. */
export async function removeAgentsAt(database: Queryable, agent: AgentRow): Promise<void> {
  await database.query({
    text: 'delete from agents where host = $1 and port = $2 and node_id <> $3',
    values: [agent.host, agent.port, agent.nodeId],
  })
}
