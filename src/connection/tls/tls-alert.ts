// SPDX-License-Identifier: Apache-2.0
import { errnoOf, messageOf } from '../../base/errors.ts'

/** The number of the alert by which the other side ended TLS [RFC 8446 6]; undefined when the error is no alert. */
export function alertOf(error: unknown): number | undefined {
  // The name of an alert differs between versions of OpenSSL.
  const number = /SSL alert number (\d+)/.exec(messageOf(error))?.[1]
  return number === undefined ? undefined : Number(number)
}

/** What an alert means to a client that shows no certificate, and the remedy. */
export interface AlertMeaning {
  readonly text: string
  readonly remedy: string
}

/** The server wants this device to show a certificate. */
export const wantsCertificate: AlertMeaning = {
  text: 'the server asks for a certificate of this device, and the agent shows none',
  remedy: 'Have the server let devices in without a certificate of their own: they log in with cloud.token.',
}

const serverLog = 'Look into the log of the server, which says why.'
const refusesCertificate: AlertMeaning = {
  text: 'the server, or something on the way, does not accept a certificate',
  remedy: 'Look into the log of the server; see whether a firewall on the way opens TLS.',
}

const meanings: Readonly<Record<number, AlertMeaning>> = {
  42: refusesCertificate,
  43: refusesCertificate,
  44: refusesCertificate,
  45: refusesCertificate,
  46: refusesCertificate,
  48: refusesCertificate,
  49: {
    text: 'the server denies this device access',
    remedy: 'Look at the rules of the server for who may connect, and into its log.',
  },
  80: { text: 'the server has an internal error', remedy: serverLog },
  112: {
    text: 'the server does not know the name by which it is asked',
    remedy: 'Have the server know that name, or write the name that it has into the connection file.',
  },
  116: wantsCertificate,
}

/** The meaning of an alert, with a general text for the rare ones. */
export function alertMeaning(alert: number): AlertMeaning {
  return meanings[alert] ?? { text: 'the server ended TLS', remedy: serverLog }
}

/** The reason in an error of TLS. OpenSSL packs it between colons: `4057:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:...`. */
export function tlsReason(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason
  if (errnoOf(error) === 'ECONNRESET') return 'the server closed the connection'
  const text = messageOf(error)
  return /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/.exec(text)?.[1] ?? text
}

/** Whether an error comes from TLS. */
export function isTlsError(error: unknown): boolean {
  return errnoOf(error)?.startsWith('ERR_SSL_') === true || /:error:[0-9A-F]+:SSL routines:/.test(messageOf(error))
}
