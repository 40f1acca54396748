// SPDX-License-Identifier: Apache-2.0
import { type Login, login } from '../access/login.ts'
import { numberOf } from '../faults/faults.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'

/** How a CONNECT is answered. */
export type LoginDecision =
  | { readonly kind: 'accepted'; readonly who: Extract<Login, { ok: true }>['who'] }
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string }
  | { readonly kind: 'refused-by-fault'; readonly code: number }
  | { readonly kind: 'unanswered' }

/** Checks a login over MQTT, after the faults that refuse or ignore one, and adds the result to the transcript. */
export function decideLogin(
  state: State,
  record: ConnectionRecord,
  credentials: { clientId: string; username: string | undefined; password: string },
): LoginDecision {
  const { username } = credentials
  const circumstances = { thingKey: username, transport: record.transport }
  const note = (text: string) => state.transcript.event(record.id, 'login', { thingKey: username, text })
  if (state.faults.take('noConnack', circumstances)) {
    note('not answered')
    return { kind: 'unanswered' }
  }
  const refusal = state.faults.take('refuseLogin', circumstances)
  if (refusal !== undefined) {
    const code = numberOf(refusal, 'code', 5)
    note(`refused by a fault with ${code}`)
    return { kind: 'refused-by-fault', code }
  }
  const answer = login(state, credentials)
  if (answer.ok) {
    note('accepted')
    return { kind: 'accepted', who: answer.who }
  }
  const { code, reason } = answer
  note(`refused with ${code}: ${reason}`)
  return { kind: 'refused', code, reason }
}
