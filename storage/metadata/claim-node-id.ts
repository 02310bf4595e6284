import type { Queryable } from '@streamhouse/platform/database'
import type { AgentRow } from './agents.ts'

/** Node ids that may be claimed, from 0. */
const claimableNodeIds = 10_000

/**
 * Announces an agent under the node id that its address had before, or else the lowest one that is free or whose agent was
 * not heard of for `silentMs`. An agent that was killed and comes back keeps its id that way, for
 * kafkajs, told of two brokers at one address, sends batches to neither and reports success.
 * @returns the node id, or null when another agent claimed the same one at that moment: try again
 */
export async function claimNodeId(
  database: Queryable,
  agent: Omit<AgentRow, 'nodeId'>,
  silentMs: number,
): Promise<number | null> {
  const result = await database.query<{ node_id: number }>({
    name: 'claim_node_id',
    text: `insert into agents (node_id, incarnation, host, port, rack)
           select id, $1, $2, $3, $4 from coalesce(
             (select a.node_id from agents a where a.host = $2 and a.port = $3 order by a.heartbeat_at desc limit 1),
             (select free from generate_series(0, ${claimableNodeIds - 1}) free
               where not exists (select 1 from agents a
                                  where a.node_id = free and a.heartbeat_at > now() - $5 * interval '1 ms')
               order by free limit 1)) id
            where id is not null
           on conflict (node_id) do update set incarnation = excluded.incarnation, host = excluded.host,
             port = excluded.port, rack = excluded.rack, heartbeat_at = now(), started_at = now()
            where agents.heartbeat_at <= now() - $5 * interval '1 ms'
               or (agents.host = excluded.host and agents.port = excluded.port)
           returning node_id`,
    values: [agent.incarnation, agent.host, agent.port, agent.rack, silentMs],
  })
  return result.rows[0]?.node_id ?? null
}

/**
 * Says that an agent still lives.
 * @returns false when its node id belongs to another incarnation, or to none, by now
 */
export async function renewAgent(database: Queryable, nodeId: number, incarnation: string): Promise<boolean> {
  const result = await database.query({
    name: 'renew_agent',
    text: 'update agents set heartbeat_at = now() where node_id = $1 and incarnation = $2',
    values: [nodeId, incarnation],
  })
  return result.rowCount === 1
}
