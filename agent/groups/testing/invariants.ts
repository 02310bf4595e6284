import type { Effect, GroupTimer } from '../effects.ts'
import type { Group } from '../group.ts'

export function timerName(timer: GroupTimer): string {
  return timer.kind === 'session' ? `session ${timer.memberId}` : timer.kind
}

/** The numbered invariants of SPEC.md that a single state shows; returns what is broken. */
export function brokenInvariants(
  group: Group,
  armed: ReadonlySet<string>,
  open: ReadonlySet<number>,
): string[] {
  const broken: string[] = []
  const check = (holds: boolean, what: string) => {
    if (!holds) broken.push(what)
  }
  const members = [...group.members.values()]
  const hasMembers = group.state !== 'Empty' && group.state !== 'Dead'

  check(
    group.leader === null
      ? members.length === 0 || group.state === 'Dead'
      : group.members.has(group.leader) || group.state === 'Dead',
    '1 leader',
  )
  check(group.state !== 'Empty' || members.length === 0, '2 empty has no members')
  check(
    (group.state !== 'Stable' && group.state !== 'CompletingRebalance') || members.length > 0,
    '2 generations have members',
  )
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    check(
      members.every((each) => each.protocols.some(({ name }) => name === group.protocolName)),
      '3 protocol',
    )
  }
  const instances = members.flatMap((each) => each.instanceId ?? [])
  check(new Set(instances).size === instances.length, '4 one member per instance id')
  check(![...group.pendingJoins].some((id) => group.members.has(id)), '5 pending or member')
  check(
    [...group.pendingSyncs].every((id) => group.members.has(id)),
    '5 pending syncs are members',
  )

  const waiting = members.flatMap((each) => [each.join, each.sync]).filter((token) => token !== null)
  check(new Set(waiting).size === waiting.length, '6 a token waits once')
  check(waiting.length === open.size && waiting.every((token) => open.has(token)), '6 every open token waits')
  for (const member of members) {
    check(member.sync === null || group.state === 'CompletingRebalance', '7 syncs wait in the sync phase')
    const saving = [...group.saves.values()].some(
      (save) => save.kind === 'static-member' && save.token === member.join,
    )
    check(
      member.join === null || group.state === 'PreparingRebalance' || (group.state === 'Stable' && saving),
      '7 joins wait',
    )
    const waits = member.join !== null || member.sync !== null
    if (hasMembers && (!waits || member.isNew))
      check(armed.has(`session ${member.memberId}`), '8 session timer')
    check(
      !member.isNew || group.state === 'PreparingRebalance',
      '8 new members are in their first join phase',
    )
  }
  for (const id of group.pendingJoins) check(armed.has(`session ${id}`), '8 timer of a pending id')
  check(armed.has('rebalance') === (group.state === 'PreparingRebalance'), '9 rebalance timer')
  check(!armed.has('sync') || group.pendingSyncs.size > 0, '9 sync timer')
  if (group.state === 'CompletingRebalance' || group.state === 'Stable') {
    check(group.pendingSyncs.size === 0 || armed.has('sync'), '9 pending syncs have a timer')
  }
  if (group.state === 'CompletingRebalance' && group.pendingSyncs.size === 0) {
    const saving = [...group.saves.values()].some(
      (save) => save.kind === 'assignment' && save.generationId === group.generationId,
    )
    check(saving, '9 a generation that all asked for is being stored')
  }
  for (const name of armed) {
    if (!name.startsWith('session ')) continue
    const id = name.slice('session '.length)
    check(group.members.has(id) || group.pendingJoins.has(id), '10 no timer without a member')
  }
  check(group.initialDelay === null || group.state === 'PreparingRebalance', '11 initial delay')
  return broken
}

/** What a step may do to a group: invariants over two states. */
export function brokenSteps(before: Group, after: Group, effects: readonly Effect[]): string[] {
  const broken: string[] = []
  if (before.generationId !== after.generationId) {
    if (after.generationId !== before.generationId + 1) broken.push('12 generations go up one by one')
    if (after.state !== 'CompletingRebalance' && after.state !== 'Empty')
      broken.push('12 a generation begins')
  }
  if (before.state === 'CompletingRebalance' && after.state === 'Stable') {
    const answered = effects.filter(
      (effect) => effect.type === 'reply' && effect.reply.kind === 'sync',
    ).length
    const waited = [...before.members.values()].filter((member) => member.sync !== null).length
    if (answered !== waited) broken.push('13 every member that waits gets its assignment')
  }
  for (const effect of effects) {
    if (effect.type !== 'reply' || effect.reply.kind !== 'join') continue
    const { error, members, leader, memberId, generationId } = effect.reply.result
    if (members.length > 0 && leader !== memberId) broken.push('14 only the leader learns the members')
    if (error === 'NONE' && !after.members.has(memberId)) broken.push('14 success is for members')
    if (error === 'NONE' && generationId !== after.generationId)
      broken.push('14 success is of this generation')
  }
  return broken
}
