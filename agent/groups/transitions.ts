import { commit, commitDead } from './commit.ts'
import { GroupDraft } from './draft.ts'
import type { Effect } from './effects.ts'
import type { GroupEvent, GroupEvents, GroupEventType } from './events.ts'
import { rebalanceExpired, sessionExpired, sessionExpiredEmpty, syncExpired } from './expiry.ts'
import type { Group, GroupState } from './group.ts'
import { heartbeat, heartbeatDead } from './heartbeat.ts'
import { join, joinDead, rejoinCompleting, rejoinEmpty, rejoinPreparing, rejoinStable } from './join.ts'
import { leave, leaveDead } from './leave.ts'
import type { GroupLimits } from './limits.ts'
import { savedCompleting, savedLate, savedStable } from './saved.ts'
import { sync, syncCompleting, syncDead, syncPreparing, syncStable } from './sync.ts'
import { unload } from './unload.ts'

type Transition<Type extends GroupEventType> = (draft: GroupDraft, event: GroupEvents[Type]) => void
type TransitionTable = {
  readonly [State in GroupState]: { readonly [Type in GroupEventType]: Transition<Type> }
}

/** A timer that was cancelled while its expiry was on its way. */
function ignore(): void {}

/** What every event does in every state; a pair that is missing does not compile. SPEC.md has it in words. */
const transitions: TransitionTable = {
  Empty: {
    join: join(rejoinEmpty),
    sync: sync(syncPreparing),
    heartbeat: heartbeat('UNKNOWN_MEMBER_ID'),
    leave,
    commit,
    sessionExpired: sessionExpiredEmpty,
    rebalanceExpired: ignore,
    syncExpired: ignore,
    saved: savedLate,
    unload,
  },
  PreparingRebalance: {
    join: join(rejoinPreparing),
    sync: sync(syncPreparing),
    heartbeat: heartbeat('REBALANCE_IN_PROGRESS'),
    leave,
    commit,
    sessionExpired,
    rebalanceExpired,
    syncExpired: ignore,
    saved: savedLate,
    unload,
  },
  CompletingRebalance: {
    join: join(rejoinCompleting),
    sync: sync(syncCompleting),
    heartbeat: heartbeat('NONE'),
    leave,
    commit,
    sessionExpired,
    rebalanceExpired: ignore,
    syncExpired,
    saved: savedCompleting,
    unload,
  },
  Stable: {
    join: join(rejoinStable),
    sync: sync(syncStable),
    heartbeat: heartbeat('NONE'),
    leave,
    commit,
    sessionExpired,
    rebalanceExpired: ignore,
    syncExpired,
    saved: savedStable,
    unload,
  },
  Dead: {
    join: joinDead,
    sync: syncDead,
    heartbeat: heartbeatDead,
    leave: leaveDead,
    commit: commitDead,
    sessionExpired: ignore,
    rebalanceExpired: ignore,
    syncExpired: ignore,
    saved: savedLate,
    unload: ignore,
  },
}

/** Applies an event to a group. Pure: the group that comes in stays as it is, and time is `nowMs`. */
export function step(
  group: Group,
  event: GroupEvent,
  nowMs: number,
  limits: GroupLimits,
): { readonly group: Group; readonly effects: readonly Effect[] } {
  const draft = new GroupDraft(group, nowMs, limits)
  const transition = transitions[group.state][event.type] as (draft: GroupDraft, event: GroupEvent) => void
  transition(draft, event)
  return { group: draft.group, effects: draft.effects }
}
