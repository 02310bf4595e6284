import type { Group, GroupState, Member } from './group.ts'

/** A group as DescribeGroups shows it. */
export interface GroupDescription {
  readonly groupId: string
  readonly state: GroupState
  readonly protocolType: string
  /** The protocol of the stable generation; empty in other states. */
  readonly protocolName: string
  readonly members: readonly {
    readonly memberId: string
    readonly instanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Uint8Array
    readonly assignment: Uint8Array
  }[]
}

/** A group as ListGroups shows it. */
export interface GroupListing {
  readonly groupId: string
  readonly protocolType: string
  readonly state: GroupState
  readonly type: 'classic'
}

/** Subscriptions and assignments are shown only while they belong together, which is in a stable group. */
export function describeGroup(group: Group): GroupDescription {
  const stable = group.state === 'Stable'
  return {
    groupId: group.groupId,
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocolName: stable ? (group.protocolName ?? '') : '',
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: (stable && protocolMetadata(group, member.protocols)) || new Uint8Array(0),
      assignment: stable ? member.assignment : new Uint8Array(0),
    })),
  }
}

export function listGroup(group: Group): GroupListing {
  return {
    groupId: group.groupId,
    protocolType: group.protocolType ?? '',
    state: group.state,
    type: 'classic',
  }
}

function protocolMetadata(group: Group, protocols: Member['protocols']): Uint8Array | undefined {
  return protocols.find(({ name }) => name === group.protocolName)?.metadata
}
