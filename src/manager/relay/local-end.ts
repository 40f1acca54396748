// SPDX-License-Identifier: Apache-2.0
import type { Readable, Writable } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import { throwIfAborted, withDeadline } from '../../base/wait.ts'
import { hostAndPort } from '../../connection/tcp/endpoint.ts'
import { openTcp } from '../../connection/tcp/open-tcp.ts'
import { relayTimes } from './limits.ts'

/** The local side of a channel: a TCP connection, or a program that serves it. */
export interface LocalEnd {
  readonly readable: Readable
  readonly writable: Writable
  /** Ends it at once. */
  destroy(): void
}

/** Makes the local connection of a channel. */
export type OpenLocalEnd = (signal: AbortSignal) => Promise<LocalEnd>

/**
 * A TCP connection to the first of `hosts` that takes it, past any proxy.
 *
 * @throws AgentError `TCP_FAILED` with the reason of the last host, `TIMEOUT`, `ABORTED`
 */
export async function connectLocal(
  clock: Clock,
  hosts: readonly string[],
  port: number,
  signal: AbortSignal | undefined,
  timeoutMs: number = relayTimes.dialMs,
): Promise<LocalEnd> {
  const place = hosts.map(host => hostAndPort({ host, port })).join(' or ')
  const onTimeout = () => new AgentError('TIMEOUT', `${place}: no connection within ${timeoutMs} ms`)
  return withDeadline(
    clock,
    timeoutMs,
    onTimeout,
    async ended => {
      let last: unknown
      for (const host of hosts) {
        try {
          const socket = await openTcp(host, port, ended)
          // For the life of the socket: an error without a listener would end the process. "close" follows every error.
          socket.on('error', () => {})
          return { readable: socket, writable: socket, destroy: () => void socket.destroy() }
        } catch (error) {
          throwIfAborted(ended)
          last = error
        }
      }
      throw new AgentError('TCP_FAILED', `${place}: ${messageOf(last)}`, {
        cause: last,
        remedy: 'Check that the service runs on the device.',
      })
    },
    signal,
  )
}
