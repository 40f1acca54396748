// SPDX-License-Identifier: Apache-2.0
import { AgentError, type ErrorCode } from '../../base/errors.ts'

/** Return codes of CONNACK [MQTT 3.2.2.3]. */
const refusals: Readonly<Record<number, readonly [code: ErrorCode, why: string, remedy?: string]>> = {
  1: ['PROTOCOL_VIOLATION', 'it does not accept MQTT 3.1.1', 'Have the cloud accept MQTT 3.1.1.'],
  2: [
    'LOGIN_REFUSED',
    'it refuses the client id (the thing key)',
    'Check device_id and the app id, of which the thing key is made.',
  ],
  3: ['THROTTLED', 'the MQTT service is unavailable at the moment'],
  4: ['LOGIN_REFUSED', 'bad user name or token', 'Check cloud.token.'],
  5: ['LOGIN_REFUSED', 'not authorized: the token is wrong, or the thing is locked to another client id'],
}

/** The refused login behind an error of the MQTT client; undefined when the error means something else. */
export function connackFailure(place: string, error: unknown): AgentError | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  const returnCode = error.code
  if (typeof returnCode !== 'number') return undefined
  const [code, why, remedy] = refusals[returnCode] ?? ['PROTOCOL_VIOLATION', `unknown return code ${returnCode}`]
  return new AgentError(code, `${place}: the cloud refused the MQTT login: ${why} (CONNACK ${returnCode})`, {
    details: { returnCode },
    remedy,
  })
}
