import { type BackoffPolicy, backoffMs } from '../base/backoff.ts'
import type { ErrorCode } from '../base/errors.ts'

/** What went wrong, as far as it matters for when to try again. */
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
  | 'kicked'
  | 'poison'
  | 'lost'

const second = 1000
const minute = 60 * second

/** Shortest and longest wait for each class of failure. Every class counts its own failures. */
export const reconnectPolicies: Readonly<Record<FailureClass, BackoffPolicy>> = {
  // Costs the cloud nothing; at boot the network and the resolver come up within seconds.
  name: { firstMs: second, maxMs: 5 * minute },
  // As for names; an address or a route that appears ends the wait.
  route: { firstMs: second, maxMs: 5 * minute },
  // Many devices of a site share it, and it may ask another machine about each of them.
  proxy: { firstMs: 2 * second, maxMs: 5 * minute },
  tcp: { firstMs: second, maxMs: 5 * minute },
  // A handshake costs the cloud real work.
  tls: { firstMs: 2 * second, maxMs: 5 * minute },
  // NTP sets the clock soon or not at all. The check is never turned off; it is only asked again often.
  clock: { firstMs: second, maxMs: 30 * second },
  // A file of this device has to be put right by somebody.
  setup: { firstMs: 10 * second, maxMs: 5 * minute },
  // Somebody has to change something first, and a cloud locks a thing out after some refusals in half an hour [TR50 9].
  login: { firstMs: 30 * second, maxMs: 5 * minute },
  // The cloud says itself that it is overloaded.
  busy: { firstMs: 5 * second, maxMs: 5 * minute },
  // Accepted, then thrown out: two devices with one thing key do that to each other without end.
  kicked: { firstMs: 5 * second, maxMs: 5 * minute },
  // Something of ours that may be poison: between two trials of it the cloud must be able to reach the device.
  poison: { firstMs: second, maxMs: 5 * second },
  // It worked until now.
  lost: { firstMs: second, maxMs: 5 * minute },
}

/** A session that lasted this long proves that all is well: every count starts again. */
export const stableAfterMs = minute
/** A session that the other side ends sooner than this was a kick. */
export const kickedWithinMs = 10 * second
/**
 * Once kicked, a session that the other side ends sooner than this counts as the next kick: a twin comes back when its own
 * wait is over, and that is five minutes at most. Only a longer session proves that there is no twin any more.
 */
export const twinWithinMs = 10 * minute
/** From this kick on it is no accident: somebody is told, when nothing of ours was on the wire that may be the reason. */
export const kicksOfTwin = 2
/** From this kick on somebody is told in any case: a poison item would have been found by now. */
const kicksOfTwinAnyhow = 4
/** A new address or route makes these worth a try at once, and what they counted so far was about another network. */
const helpedByNetwork: ReadonlySet<FailureClass> = new Set(['name', 'route', 'proxy', 'tcp', 'lost'])
/** A clock that was set makes these worth a try at once. */
const helpedByClock: ReadonlySet<FailureClass> = new Set(['clock', 'tls'])

/** After a stable session the first try comes at once, spread over this time so that a fleet does not march in step. */
export const lostSpreadMs = second

/** What of ours was on the wire when a session ended; a candidate is an item that may be poison, because it was so before. */
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
      /** What it waits after. */
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
  /** The wait is over, or somebody knows that waiting longer is pointless. */
  | { readonly kind: 'try' }
  /** An address or a route appeared. */
  | { readonly kind: 'network' }
  /** The wall clock was set. */
  | { readonly kind: 'clock' }
  | { readonly kind: 'close' }

/** The next state. An input that means nothing in a state leaves it as it is: the very same object comes back. */
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

/** Whether the n-th kick in a row looks like a second device with our thing key. */
export function isTwin(kicks: number, onWire: OnWire): boolean {
  return kicks >= (onWire === 'nothing' ? kicksOfTwin : kicksOfTwinAnyhow)
}

function waitAfterSession(failures: Failures, { upMs, byPeer, onWire, random }: Ended): ReconnectState {
  const { kicked = 0, ...others } = failures
  // That is no kick, and the kicks before it were none either: the item was on the wire then too.
  if (byPeer && onWire === 'candidate') return waitAfter('poison', upMs < stableAfterMs ? others : {}, random)
  if (byPeer && upMs < (kicked === 0 ? kickedWithinMs : twinWithinMs)) return waitAfter('kicked', failures, random)
  if (upMs < stableAfterMs) return waitAfter('lost', failures, random)
  const left = kicked > 0 && upMs < twinWithinMs ? { kicked } : {}
  return { phase: 'waiting', failures: left, after: 'lost', delayMs: random * lostSpreadMs }
}

type Waiting = Extract<ReconnectState, { phase: 'waiting' }>

function endOfWait(state: Waiting, { kind }: ReconnectInput): ReconnectState {
  const { after, failures } = state
  if (kind === 'try') return { phase: 'connecting', failures }
  if (kind === 'network' && helpedByNetwork.has(after))
    return { phase: 'connecting', failures: keep(failures, 'kicked') }
  if (kind === 'clock' && helpedByClock.has(after)) return { phase: 'connecting', failures: keep(failures, 'kicked') }
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
