// SPDX-License-Identifier: Apache-2.0
import type { Client } from 'aedes'
import type { Session } from '../store/sessions.ts'
import type { State } from '../store/state.ts'
import { Wire } from './wire.ts'

interface Push {
  readonly topic: string
  readonly payload: string | Uint8Array
  readonly qos: 0 | 1
}

/** Sends a message to one client; the transcript has it also when the connection is gone. */
export function pushTo(client: Client, session: Session, state: State, { topic, payload, qos }: Push): void {
  const { transcript, connections } = state
  const isGone = client.closed || !(client.connecting || client.connected)
  transcript.add({
    kind: 'mqtt',
    direction: 'out',
    connection: session.connection,
    topic: isGone ? `(not sent, connection gone) ${topic}` : topic,
    qos,
    bytes: Buffer.byteLength(payload),
    text: typeof payload === 'string' ? payload : undefined,
    thingKey: session.thing?.key,
  })
  if (isGone) return
  connections.totals.messagesOut++
  if (client.conn instanceof Wire) client.conn.record.messagesOut++
  const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
  client.publish({ cmd: 'publish', topic, payload: bytes, qos, dup: false, retain: false }, () => {})
}
