import type { Queryable } from '@streamhouse/platform/database'
import type { AgentRow } from './agents.ts'

/** Node ids that may be claimed, from 0. */
const claimableNodeIds = 10_000

/**
 * Announces an agent under the lowest node id that is free, or whose agent was not heard of for `silentMs`.
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
           select id, $1, $2, $3, $4 from generate_series(0, ${claimableNodeIds - 1}) id
            where not exists (select 1 from agents a
                               where a.node_id = id and a.heartbeat_at > now() - $5 * interval '1 ms')
            order by id limit 1
           on conflict (node_id) do update set incarnation = excluded.incarnation, host = excluded.host,
             port = excluded.port, rack = excluded.rack, heartbeat_at = now(), started_at = now()
            where agents.heartbeat_at <= now() - $5 * interval '1 ms'
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
