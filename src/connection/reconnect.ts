import { type BackoffPolicy, backoffMs } from '../base/backoff.ts'
import type { ErrorCode } from '../base/errors.ts'

/** What went wrong, as far as it matters for when to try again. */
export type FailureClass = 'name' | 'tcp' | 'tls' | 'clock' | 'setup' | 'login' | 'busy' | 'kicked' | 'lost'

const second = 1000
const minute = 60 * second

/** Shortest and longest wait for each class of failure. Every class counts its own failures. */
export const reconnectPolicies: Readonly<Record<FailureClass, BackoffPolicy>> = {
  // Costs the cloud nothing; at boot the network and the resolver come up within seconds.
  name: { firstMs: second, mostMs: 5 * minute },
  tcp: { firstMs: second, mostMs: 5 * minute },
  // A handshake costs the cloud real work.
  tls: { firstMs: 2 * second, mostMs: 5 * minute },
  // NTP sets the clock soon or not at all. The check is never turned off; it is only asked again often.
  clock: { firstMs: second, mostMs: 30 * second },
  // A file of this device has to be put right by somebody.
  setup: { firstMs: 10 * second, mostMs: 5 * minute },
  // Somebody has to change something first, and a cloud locks a thing out after some refusals in half an hour [TR50 9].
  login: { firstMs: 30 * second, mostMs: 5 * minute },
  // The cloud says itself that it is overloaded.
  busy: { firstMs: 5 * second, mostMs: 5 * minute },
  // Accepted, then thrown out: two devices with one thing key do that to each other without end.
  kicked: { firstMs: 5 * second, mostMs: 5 * minute },
  // It worked until now.
  lost: { firstMs: second, mostMs: 5 * minute },
}

/** A session that lasted this long proves that all is well: every count starts again. */
export const stableAfterMs = minute
/** A session that the other side ends sooner than this was a kick. */
export const kickedWithinMs = 10 * second
/** After a stable session the first try comes at once, spread over this time so that a fleet does not march in step. */
export const lostSpreadMs = second

type Failures = Readonly<Partial<Record<FailureClass, number>>>

/** The states of a link. */
export type ReconnectState =
  | { readonly phase: 'stopped' }
  | { readonly phase: 'connecting'; readonly failures: Failures }
  | { readonly phase: 'up'; readonly failures: Failures }
  | { readonly phase: 'waiting'; readonly failures: Failures; readonly delayMs: number }

/** What happens to a link. */
export type ReconnectInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly random: number }
  | { readonly kind: 'ended'; readonly upMs: number; readonly byPeer: boolean; readonly random: number }
  /** The wait is over, or somebody knows that waiting longer is pointless. */
  | { readonly kind: 'try' }
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
      if (input.kind !== 'ended') return state
      if (input.upMs >= stableAfterMs) return { phase: 'waiting', failures: {}, delayMs: input.random * lostSpreadMs }
      return waitAfter(isKick(input) ? 'kicked' : 'lost', state.failures, input.random)
    case 'waiting':
      return input.kind === 'try' ? { phase: 'connecting', failures: state.failures } : state
  }
}

/** Whether a session ended as one does that the cloud accepts and throws out. */
export function isKick(ended: { readonly upMs: number; readonly byPeer: boolean }): boolean {
  return ended.byPeer && ended.upMs < kickedWithinMs
}

function waitAfter(failure: FailureClass, failures: Failures, random: number): ReconnectState {
  const before = failures[failure] ?? 0
  return {
    phase: 'waiting',
    failures: { ...failures, [failure]: before + 1 },
    delayMs: backoffMs(reconnectPolicies[failure], before, random),
  }
}

/** The class of an error of connecting. */
export function classOf(code: ErrorCode): FailureClass {
  switch (code) {
    case 'NAME_NOT_RESOLVED':
    case 'NETWORK_UNREACHABLE':
      return 'name'
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
