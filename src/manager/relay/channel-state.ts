/** The states of a channel [TR50 6.5 rule 3]. In `closing` the cloud has hung up, and what it sent before still goes out. */
export type ChannelState = 'closed' | 'connecting' | 'open' | 'closing'

/** What can happen to a channel. */
export type ChannelInput =
  /** The cloud's client has come. */
  | 'cloud-connect'
  /** The cloud's client went away. */
  | 'cloud-disconnect'
  /** The local connection is there. */
  | 'dialed'
  | 'dial-failed'
  /** The local service closed, after its last byte. */
  | 'local-closed'
  /** The channel costs more than it may. */
  | 'dropped'

/** What is to be done, in this order. */
export type ChannelEffect =
  /** Forget the local connection at once, with what waits for it. */
  | 'abandon'
  /** Leave the local connection to its end: it has its last bytes already. */
  | 'leave'
  /** Begin a local connection. */
  | 'dial'
  /** Give the local connection what waits for it and then end it. */
  | 'finish'
  /** Send the disconnect message. */
  | 'tell-cloud'

export interface ChannelStep {
  readonly state: ChannelState
  readonly effects: readonly ChannelEffect[]
}

const steps: Readonly<Record<ChannelState, Partial<Record<ChannelInput, ChannelStep>>>> = {
  closed: {
    'cloud-connect': { state: 'connecting', effects: ['dial'] },
  },
  connecting: {
    // A new client: the old one's bytes are nobody's any more [TR50 6.5 rule 8].
    'cloud-connect': { state: 'connecting', effects: ['abandon', 'dial'] },
    'cloud-disconnect': { state: 'closing', effects: ['finish'] },
    dialed: { state: 'open', effects: [] },
    'dial-failed': { state: 'closed', effects: ['tell-cloud'] },
    dropped: { state: 'closed', effects: ['abandon', 'tell-cloud'] },
  },
  open: {
    'cloud-connect': { state: 'connecting', effects: ['abandon', 'dial'] },
    'cloud-disconnect': { state: 'closing', effects: ['finish'] },
    'local-closed': { state: 'closed', effects: ['leave', 'tell-cloud'] },
    dropped: { state: 'closed', effects: ['abandon', 'tell-cloud'] },
  },
  closing: {
    'cloud-connect': { state: 'connecting', effects: ['leave', 'dial'] },
    'dial-failed': { state: 'closed', effects: [] },
    'local-closed': { state: 'closed', effects: ['leave'] },
    dropped: { state: 'closed', effects: ['abandon'] },
  },
}

/** The next state and what to do. An input that a state does not know changes nothing [TR50 6.5 rule 7]. */
export function nextStep(state: ChannelState, input: ChannelInput): ChannelStep {
  return steps[state][input] ?? { state, effects: [] }
}
