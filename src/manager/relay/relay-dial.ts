// SPDX-License-Identifier: Apache-2.0
import type { WebSocket } from 'ws'
import type { Clock } from '../../base/clock.ts'
import { AgentError, asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import { openWebSocket } from '../../connection/http/websocket.ts'
import type { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { hostAndPort } from '../../connection/tcp/endpoint.ts'
import { namedByCloudItself } from '../../connection/tcp/named-by.ts'
import { relayLimits, relayTimes } from './limits.ts'
import { addressRefusal, hostRefusal, type RelayHostPolicy } from './relay-hosts.ts'
import type { RelayPlace } from './relay-url.ts'

export interface RelayDialParts {
  readonly opener: SocketOpener
  readonly clock: Clock
  readonly log: Log
}

/**
 * Refuses a relay at a place where none may be. Nothing is dialled, so the call may be answered at once.
 *
 * @throws AgentError what {@link dialRelay} throws
 */
export function admitRelay(place: RelayPlace, policy: RelayHostPolicy, log: Log): void {
  const reason = hostRefusal(place.host, policy)
  if (reason !== undefined) throw unreachable(place, { reason }, log)
}

/**
 * Opens the WebSocket to the relay. Every failure has the same answer after the same time: the cloud user who chose the URL
 * must not learn from it which ports are open where. The reason is in the log, for the owner.
 *
 * @throws AgentError `TCP_FAILED` with one text for every reason, `ABORTED`
 */
export async function dialRelay(
  place: RelayPlace,
  policy: RelayHostPolicy,
  { opener, clock, log }: RelayDialParts,
  signal: AbortSignal,
): Promise<WebSocket> {
  const startMs = clock.monotonicMs()
  try {
    return await openWebSocket(
      // The origin that the library of the Python agent sends [TR50 6.2].
      { ...place, pathIsSecret: true, origin: `http://${hostAndPort(place)}` },
      {
        opener,
        clock,
        timeoutMs: relayTimes.openMs,
        namedBy: namedByCloudItself,
        refuse: address => addressRefusal(address, policy),
        maxMessageBytes: relayLimits.messageBytes,
        closeWithinMs: relayTimes.closeMs,
        signal,
      },
    )
  } catch (error) {
    throwIfAborted(signal)
    const { code, message: reason, remedy } = asAgentError(error)
    // The refusal of an address names its own remedy.
    const failure = unreachable(place, { code, reason, ...(code === 'POLICY_REFUSED' ? {} : { remedy }) }, log)
    await sleep(clock, Math.max(0, startMs + relayTimes.openMs - clock.monotonicMs()), signal)
    throw failure
  }
}

function unreachable(place: RelayPlace, why: JsonObject, log: Log): AgentError {
  log.warn('remote access refused: the relay cannot be used', { relay: hostAndPort(place).slice(0, 300), ...why })
  return new AgentError(
    'TCP_FAILED',
    'The relay cannot be reached from this device. The log of the device has the reason.',
    {
      remedy: 'See the log of the device.',
    },
  )
}
