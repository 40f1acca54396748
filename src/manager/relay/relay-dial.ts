import type { WebSocket } from 'ws'
import type { Clock } from '../../base/clock.ts'
import { AgentError, asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { sleep, throwIfAborted } from '../../base/wait.ts'
import { hostAndPort } from '../../connection/endpoint.ts'
import { namedByCloudItself } from '../../connection/named-by.ts'
import type { SocketOpener } from '../../connection/socket-opener.ts'
import { openWebSocket } from '../../connection/websocket.ts'
import { relayLimits, relayTimes } from './limits.ts'
import { addressRefusal, hostRefusal, type RelayHostPolicy } from './relay-hosts.ts'
import type { RelayPlace } from './relay-url.ts'

export interface RelayDialParts {
  readonly opener: SocketOpener
  readonly clock: Clock
  readonly log: Log
}

/**
 * Refuses a relay that may not be where it is. Nothing was dialled then, so that this may be answered at once.
 *
 * @throws AgentError what {@link dialRelay} throws
 */
export function admitRelay(place: RelayPlace, policy: RelayHostPolicy, log: Log): void {
  const reason = hostRefusal(place.host, policy)
  if (reason !== undefined) throw unreachable(place, { reason }, log)
}

/**
 * Opens the WebSocket to the relay. Whatever fails, the caller hears the same at the same time: who chose the URL must not
 * learn from it what is open where. The log tells the owner.
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
      // As the Python agent's library names itself [TR50 6.2].
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
  return new AgentError('TCP_FAILED', 'the relay cannot be reached from this device; the log of the device tells why', {
    remedy: 'See the log of the device.',
  })
}
