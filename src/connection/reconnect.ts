// SPDX-License-Identifier: Apache-2.0
import { type BackoffPolicy, backoffMs } from '../base/backoff.ts'
import type { ErrorCode } from '../base/errors.ts'

/**
 * Kinds of failure, as far as they decide when the link tries again.
 *
 * @inline
 */
export type FailureClass =
  | 'name'
  | 'route'
  | 'proxy'
  | 'tcp'
  | 'tls'
  | 'clock'
  | 'setup'
  | 'login'
  | 'busy'
  | 'takeover'
  | 'poison'
  | 'lost'

const second = 1000
const minute = 60 * second

/** Shortest and longest wait after each class of failure. Each class counts its own failures. */
export const reconnectPolicies: Readonly<Record<FailureClass, BackoffPolicy>> = {
  // Costs the cloud nothing; at boot the network and the resolver come up within seconds.
  name: { firstMs: second, maxMs: 5 * minute },
  // As for names. A new address or route ends the wait.
  route: { firstMs: second, maxMs: 5 * minute },
  // Many devices of a site share a proxy, and it may ask another machine about each of them.
  proxy: { firstMs: 2 * second, maxMs: 5 * minute },
  tcp: { firstMs: second, maxMs: 5 * minute },
  // A handshake costs the cloud real work.
  tls: { firstMs: 2 * second, maxMs: 5 * minute },
  // NTP sets the clock soon or not at all. The check is never turned off; the link only tries again often.
  clock: { firstMs: second, maxMs: 30 * second },
  // The owner has to correct a file of this device.
  setup: { firstMs: 10 * second, maxMs: 5 * minute },
  // The owner or the operator has to change something first, and the cloud locks a thing out after some refusals within half an hour [TR50 9].
  login: { firstMs: 30 * second, maxMs: 5 * minute },
  // The cloud reports that it is overloaded.
  busy: { firstMs: 5 * second, maxMs: 5 * minute },
  // Accepted, then closed by the cloud: two devices with one thing key do that to each other without end.
  takeover: { firstMs: 5 * second, maxMs: 5 * minute },
  // A poison candidate of this device was on the wire: between two trials of it the cloud must be able to reach the device.
  poison: { firstMs: second, maxMs: 5 * second },
  // The link worked until now.
  lost: { firstMs: second, maxMs: 5 * minute },
}

/** A session that lasted this long proves that the link works: every count restarts. */
export const stableAfterMs = minute
/** A session that the cloud ends sooner than this counts as a session takeover. */
export const takeoverWithinMs = 10 * second
/**
 * After a takeover, a session that the cloud ends sooner than this counts as the next one: a duplicate client comes back when its
 * own wait is over, five minutes at most. Only a longer session proves that the duplicate is gone.
 */
export const duplicateWithinMs = 10 * minute
/** From this takeover on a duplicate client is reported, if this device had nothing on the wire that may be the reason. */
export const takeoversOfDuplicate = 2
/** From this takeover on a duplicate client is reported in any case: a poison item would have been found by now. */
const takeoversOfDuplicateAnyhow = 4
/** After a new address or route these are worth an attempt at once, and their counts were about another network. */
const helpedByNetwork: ReadonlySet<FailureClass> = new Set(['name', 'route', 'proxy', 'tcp', 'lost'])
/** After the clock was set these are worth an attempt at once. */
const helpedByClock: ReadonlySet<FailureClass> = new Set(['clock', 'tls'])

/** After a stable session the first attempt comes at once, spread over this time so that a fleet does not reconnect in step. */
export const lostSpreadMs = second

/** What this device had on the wire when a session ended. `candidate`: an item that may be poison, because it was on the wire at an earlier end, too. */
export type OnWire = 'nothing' | 'items' | 'candidate'

type Failures = Readonly<Partial<Record<FailureClass, number>>>

/** The states of a link. */
export type ReconnectState =
  | { readonly phase: 'stopped' }
  | { readonly phase: 'connecting'; readonly failures: Failures }
  | { readonly phase: 'up'; readonly failures: Failures }
  | {
      readonly phase: 'waiting'
      readonly failures: Failures
      /** The failure after which it waits. */
      readonly after: FailureClass
      readonly delayMs: number
    }

/** What happens to a link. */
export type ReconnectInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly random: number }
  | {
      readonly kind: 'ended'
      readonly upMs: number
      readonly byPeer: boolean
      readonly onWire?: OnWire
      readonly random: number
    }
  /** The wait is over, or a caller knows that waiting longer is pointless. */
  | { readonly kind: 'try' }
  /** An address or a route appeared. */
  | { readonly kind: 'network' }
  /** The wall clock was set. */
  | { readonly kind: 'clock' }
  | { readonly kind: 'close' }

/** The next state. An input without a meaning in a state returns the same object. */
export function nextReconnectState(state: ReconnectState, input: ReconnectInput): ReconnectState {
  if (input.kind === 'close') return state.phase === 'stopped' ? state : { phase: 'stopped' }
  switch (state.phase) {
    case 'stopped':
      return input.kind === 'start' ? { phase: 'connecting', failures: {} } : state
    case 'connecting':
      if (input.kind === 'connected') return { phase: 'up', failures: state.failures }
      if (input.kind === 'failed') return waitAfter(classOf(input.code), state.failures, input.random)
      return state
    case 'up':
      return input.kind === 'ended' ? waitAfterSession(state.failures, input) : state
    case 'waiting':
      return endOfWait(state, input)
  }
}

type Ended = Extract<ReconnectInput, { kind: 'ended' }>

/** Whether the n-th takeover in a row looks like a second device with this thing key. */
export function isDuplicateClient(takeovers: number, onWire: OnWire): boolean {
  return takeovers >= (onWire === 'nothing' ? takeoversOfDuplicate : takeoversOfDuplicateAnyhow)
}

function waitAfterSession(failures: Failures, { upMs, byPeer, onWire, random }: Ended): ReconnectState {
  const { takeover = 0, ...others } = failures
  // That is no takeover, and those before it were none either: the item was on the wire then, too.
  if (byPeer && onWire === 'candidate') return waitAfter('poison', upMs < stableAfterMs ? others : {}, random)
  if (byPeer && upMs < (takeover === 0 ? takeoverWithinMs : duplicateWithinMs))
    return waitAfter('takeover', failures, random)
  if (upMs < stableAfterMs) return waitAfter('lost', failures, random)
  const left = takeover > 0 && upMs < duplicateWithinMs ? { takeover } : {}
  return { phase: 'waiting', failures: left, after: 'lost', delayMs: random * lostSpreadMs }
}

type Waiting = Extract<ReconnectState, { phase: 'waiting' }>

function endOfWait(state: Waiting, { kind }: ReconnectInput): ReconnectState {
  const { after, failures } = state
  if (kind === 'try') return { phase: 'connecting', failures }
  if (kind === 'network' && helpedByNetwork.has(after))
    return { phase: 'connecting', failures: keep(failures, 'takeover') }
  if (kind === 'clock' && helpedByClock.has(after)) return { phase: 'connecting', failures: keep(failures, 'takeover') }
  return state
}

/** The count of one class alone. */
function keep(failures: Failures, kept: FailureClass): Failures {
  const count = failures[kept]
  return count === undefined ? {} : { [kept]: count }
}

function waitAfter(failure: FailureClass, failures: Failures, random: number): ReconnectState {
  const before = failures[failure] ?? 0
  return {
    phase: 'waiting',
    failures: { ...failures, [failure]: before + 1 },
    after: failure,
    delayMs: backoffMs(reconnectPolicies[failure], before, random),
  }
}

/** The class of an error of connecting. */
export function classOf(code: ErrorCode): FailureClass {
  switch (code) {
    case 'NAME_NOT_RESOLVED':
      return 'name'
    case 'NETWORK_UNREACHABLE':
      return 'route'
    case 'PROXY_FAILED':
    case 'PROXY_REFUSED':
      return 'proxy'
    case 'TLS_FAILED':
    case 'CERTIFICATE_REFUSED':
    case 'CERTIFICATE_EXPIRED':
    case 'PROTOCOL_VIOLATION':
    case 'WEBSOCKET_REFUSED':
      return 'tls'
    case 'CERTIFICATE_NOT_YET_VALID':
      return 'clock'
    case 'CONFIG_INVALID':
      return 'setup'
    case 'LOGIN_REFUSED':
      return 'login'
    case 'THROTTLED':
      return 'busy'
    default:
      return 'tcp'
  }
}
