import type { Effect, GroupTimer, Reply } from '../effects.ts'
import { type GroupEvent, timerEvent } from '../events.ts'
import { emptyGroup, type Group } from '../group.ts'
import { defaultGroupLimits, type GroupLimits } from '../limits.ts'
import { restoreGroup } from '../persisted-group.ts'
import { step } from '../transitions.ts'
import type { GroupErrorName } from '../types.ts'
import { describeGroup } from '../views.ts'

type Options = Readonly<Record<string, string>>

/**
 * Runs a script of blocks `command\n----\noutput`, parted by empty lines, and returns it with the outputs as they are.
 * Time is virtual, saves are answered by the commands `saved` and `save-failed`.
 */
export function runTranscript(script: string): string {
  const session = new Transcript()
  return `${script
    .trim()
    .split(/\n\n+/)
    .map((block) => {
      const input = block.split('\n----')[0]!
      const lines = input.split('\n').filter((line) => !line.startsWith('#'))
      if (lines.length === 0) return input
      const output = lines.flatMap((line) => session.run(line))
      return `${input}\n----\n${output.join('\n') || '(nothing)'}`
    })
    .join('\n\n')}\n`
}

class Transcript {
  #nowMs = 0
  #limits: GroupLimits = defaultGroupLimits
  #group: Group = emptyGroup('g', 0)
  #memberNumber = 0
  #tokens: string[] = []
  #timers = new Map<string, { timer: GroupTimer; atMs: number }>()
  #saves: { save: number; stored: Extract<Effect, { type: 'save' }>['group'] }[] = []
  #stored: Extract<Effect, { type: 'save' }>['group'] | null = null

  run(line: string): string[] {
    const [command, ...words] = line.split(/\s+/)
    const name = words[0]?.includes('=') ? '' : (words.shift() ?? '')
    const options = Object.fromEntries(
      words.map((word) => [word.split('=')[0]!, word.slice(word.indexOf('=') + 1)]),
    )
    switch (command) {
      case 'limits':
        this.#limits = { ...this.#limits, ...numbers(options) }
        return []
      case 'advance':
        return this.#advance(Number(name))
      case 'saved':
        return this.#saved('NONE')
      case 'save-failed':
        return this.#saved(name as GroupErrorName)
      case 'restore':
        return this.#restore()
      case 'show':
        return this.#show()
      case 'unload':
        return this.#step({ type: 'unload' })
      default:
        return this.#step(this.#event(command!, name, options))
    }
  }

  #event(command: string, name: string, options: Options): GroupEvent {
    const token = this.#tokens.push(name) - 1
    const member = { memberId: options.member ?? '', instanceId: options.instance ?? null }
    const generationId = Number(options.generation ?? this.#group.generationId)
    switch (command) {
      case 'join':
        return this.#join(token, name, options)
      case 'sync':
        return { type: 'sync', token, request: { ...member, generationId, ...syncFields(options) } }
      case 'heartbeat':
        return { type: 'heartbeat', token, request: { ...member, generationId } }
      case 'leave': {
        const members = (options.members ?? '').split(',').map((each) => {
          const [memberId, instanceId] = each.split('/')
          return { memberId: memberId!, instanceId: instanceId ?? null, reason: null }
        })
        return { type: 'leave', token, request: { members } }
      }
      case 'commit': {
        const transactional = options.transactional === 'yes'
        const reportsMissingGroup = Number(options.version ?? 9) >= 9
        return {
          type: 'commit',
          token,
          request: { ...member, generationId, transactional, reportsMissingGroup },
        }
      }
      default:
        throw new Error(`Unknown command "${command}"`)
    }
  }

  #join(token: number, name: string, options: Options): GroupEvent {
    const version = Number(options.version ?? 9)
    const protocols = (options.protocols ?? 'range:t').split(',').map((each) => {
      const [protocol, metadata] = each.split(':')
      return { name: protocol!, metadata: Buffer.from(metadata ?? '') }
    })
    const instanceId = options.instance ?? null
    this.#memberNumber++
    return {
      type: 'join',
      token,
      newMemberId: `${instanceId ?? name}-${this.#memberNumber}`,
      request: {
        memberId: options.member ?? '',
        instanceId,
        clientId: name,
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: Number(options.session ?? 10_000),
        rebalanceTimeoutMs: Number(options.rebalance ?? 60_000),
        protocolType: options.type ?? 'consumer',
        protocols: options.protocols === '' ? [] : protocols,
        requiresKnownMemberId: version >= 4,
        supportsSkippingAssignment: version >= 9,
        reason: options.reason ?? null,
      },
    }
  }

  #step(event: GroupEvent): string[] {
    const before = this.#group.state
    const { group, effects } = step(this.#group, event, this.#nowMs, this.#limits)
    this.#group = group
    const lines = this.#apply(effects)
    if (group.state !== before) lines.push(`state ${before} -> ${group.state}`)
    return lines
  }

  #apply(effects: readonly Effect[]): string[] {
    return effects.flatMap((effect) => {
      switch (effect.type) {
        case 'arm':
          this.#timers.set(timerName(effect.timer), {
            timer: effect.timer,
            atMs: this.#nowMs + effect.delayMs,
          })
          return [`arm ${timerName(effect.timer)} ${effect.delayMs}ms`]
        case 'disarm':
          return this.#timers.delete(timerName(effect.timer)) ? [`disarm ${timerName(effect.timer)}`] : []
        case 'save': {
          this.#saves.push({ save: effect.save, stored: effect.group })
          const members = effect.group.members.map((each) => `${each.memberId}=${text(each.assignment)}`)
          return [
            `save #${effect.save} ${effect.group.state} generation=${effect.group.generationId} [${members}]`,
          ]
        }
        case 'reply':
          return [`reply ${this.#tokens[effect.token]} ${replyText(effect.reply)}`]
        case 'rebalance-started':
          return [`rebalance after generation ${effect.generationId}: ${effect.reason}`]
        case 'generation-stable':
          return [`generation ${effect.generationId} is stable with ${effect.members} members`]
      }
      return []
    })
  }

  #advance(ms: number): string[] {
    const untilMs = this.#nowMs + ms
    const lines: string[] = []
    for (;;) {
      const next = [...this.#timers].sort(([, left], [, right]) => left.atMs - right.atMs)[0]
      if (!next || next[1].atMs > untilMs) break
      this.#timers.delete(next[0])
      this.#nowMs = next[1].atMs
      lines.push(`at ${this.#nowMs}ms ${next[0]} expires`, ...this.#step(timerEvent(next[1].timer)))
    }
    this.#nowMs = untilMs
    return lines
  }

  #saved(error: GroupErrorName): string[] {
    const save = this.#saves.shift()
    if (!save) throw new Error('There is no save to answer')
    if (error === 'NONE') this.#stored = save.stored
    return this.#step({ type: 'saved', save: save.save, error })
  }

  #restore(): string[] {
    if (!this.#stored) throw new Error('Nothing was saved')
    this.#timers.clear()
    this.#saves = []
    const { group, effects } = restoreGroup('g', this.#stored, this.#nowMs)
    this.#group = group
    return [...this.#apply(effects), `state ${group.state}`]
  }

  #show(): string[] {
    const { state, protocolType, protocolName, members } = describeGroup(this.#group)
    const pending = [...this.#group.pendingJoins]
    return [
      `${state} generation=${this.#group.generationId} type=${protocolType} protocol=${protocolName} leader=${this.#group.leader} pending=[${pending}]`,
      ...members.map(
        (each) =>
          `${each.memberId} instance=${each.instanceId} ${text(each.metadata)} ${text(each.assignment)}`,
      ),
    ]
  }
}

function syncFields(options: Options) {
  return {
    protocolType: options.type ?? null,
    protocolName: options.protocol ?? null,
    assignments: (options.assign ?? '')
      .split(',')
      .filter((each) => each !== '')
      .map((each) => ({ memberId: each.split(':')[0]!, assignment: Buffer.from(each.split(':')[1]!) })),
  }
}

function numbers(options: Options): Partial<GroupLimits> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, Number(value)]))
}

function timerName(timer: GroupTimer): string {
  return timer.kind === 'session' ? `session(${timer.memberId})` : timer.kind
}

function text(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes).toString()}"`
}

function replyText(reply: Reply): string {
  const { result } = reply
  switch (reply.kind) {
    case 'join': {
      const { error, memberId, generationId, protocolType, protocolName, leader, skipAssignment, members } =
        reply.result
      const who = `join ${error} member=${memberId}`
      if (error !== 'NONE') return who
      const others = members.map((each) => `${each.memberId}/${each.instanceId}=${text(each.metadata)}`)
      return `${who} generation=${generationId} ${protocolType}/${protocolName} leader=${leader}${skipAssignment ? ' skip' : ''} [${others}]`
    }
    case 'sync':
      return `sync ${result.error}${result.error === 'NONE' ? ` ${reply.result.protocolType}/${reply.result.protocolName} ${text(reply.result.assignment)}` : ''}`
    case 'leave':
      return `leave ${result.error} [${reply.result.members.map((each) => `${each.memberId || each.instanceId}:${each.error}`)}]`
    default:
      return `${reply.kind} ${result.error}`
  }
}
