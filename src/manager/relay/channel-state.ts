// SPDX-License-Identifier: Apache-2.0
/** The states of a channel [TR50 6.5 rule 3]. In `closing` the cloud has disconnected, and the bytes that it sent are still delivered. */
export type ChannelState = 'closed' | 'connecting' | 'open' | 'closing'

/** What can happen to a channel. */
export type ChannelInput =
  /** A client of the cloud has connected. */
  | 'cloud-connect'
  /** The client of the cloud has disconnected. */
  | 'cloud-disconnect'
  /** The local connection is made. */
  | 'dialed'
  | 'dial-failed'
  /** The local service closed, after its last byte. */
  | 'local-closed'
  /** The channel exceeds a limit. */
  | 'dropped'

/** What the owner does, in this order. */
export type ChannelEffect =
  /** Drop the local connection at once, with the bytes that wait for it. */
  | 'abandon'
  /** Let the local connection end by itself: it has its last bytes already. */
  | 'leave'
  /** Begin a local connection. */
  | 'dial'
  /** Deliver the bytes that wait for the local connection, then end it. */
  | 'finish'
  /** Send the disconnect message. */
  | 'notify-cloud'

export interface ChannelStep {
  readonly state: ChannelState
  readonly effects: readonly ChannelEffect[]
}

const steps: Readonly<Record<ChannelState, Partial<Record<ChannelInput, ChannelStep>>>> = {
  closed: {
    'cloud-connect': { state: 'connecting', effects: ['dial'] },
  },
  connecting: {
    // A new client must not get bytes of the old one [TR50 6.5 rule 8].
    'cloud-connect': { state: 'connecting', effects: ['abandon', 'dial'] },
    'cloud-disconnect': { state: 'closing', effects: ['finish'] },
    dialed: { state: 'open', effects: [] },
    'dial-failed': { state: 'closed', effects: ['notify-cloud'] },
    dropped: { state: 'closed', effects: ['abandon', 'notify-cloud'] },
  },
  open: {
    'cloud-connect': { state: 'connecting', effects: ['abandon', 'dial'] },
    'cloud-disconnect': { state: 'closing', effects: ['finish'] },
    'local-closed': { state: 'closed', effects: ['leave', 'notify-cloud'] },
    dropped: { state: 'closed', effects: ['abandon', 'notify-cloud'] },
  },
  closing: {
    'cloud-connect': { state: 'connecting', effects: ['leave', 'dial'] },
    'dial-failed': { state: 'closed', effects: [] },
    'local-closed': { state: 'closed', effects: ['leave'] },
    dropped: { state: 'closed', effects: ['abandon'] },
  },
}

/** The next state and its effects. An input that a state does not know changes nothing [TR50 6.5 rule 7]. */
export function nextStep(state: ChannelState, input: ChannelInput): ChannelStep {
  return steps[state][input] ?? { state, effects: [] }
}
