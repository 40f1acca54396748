// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.ts'
import type { SocketOpener } from '../socket/socket-opener.ts'
import { bracketed, type Endpoint } from '../tcp/endpoint.ts'

/** Path and subprotocol of MQTT over WebSocket, as the Python agent uses them [TR50 1.1]. */
const path = '/mqtt'
const subprotocol = 'mqtt'
/**
 * Largest WebSocket message accepted for MQTT. The packet filter bounds its content packet by packet; a session must not end, and
 * calls must not be lost, because a page of the mailbox is large.
 */
export const maxMqttMessageBytes = 16 * 1024 * 1024

export interface OpenTransportOptions {
  readonly opener: SocketOpener
  readonly clock: Clock
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A stream to the MQTT service, over the transport that the endpoint names. */
export async function openMqttTransport(endpoint: Endpoint, options: OpenTransportOptions): Promise<Duplex> {
  const { host, port, transport } = endpoint
  if (transport !== 'wss') return options.opener.open({ host, port, tls: transport === 'mqtts' }, options)
  const { openWebSocket, webSocketStream } = await import('../http/websocket.ts')
  const origin = `https://${bracketed(host)}:${port}`
  const target = { host, port, tls: true, path, subprotocol, origin }
  return webSocketStream(await openWebSocket(target, { ...options, maxMessageBytes: maxMqttMessageBytes }))
}
