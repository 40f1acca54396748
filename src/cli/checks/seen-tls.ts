// SPDX-License-Identifier: Apache-2.0
import { checkServerIdentity, type PeerCertificate, TLSSocket } from 'node:tls'
import { AgentError, asAgentError } from '../../base/errors.ts'
import type { Settings } from '../../config/settings.ts'
import { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { hostAndPort } from '../../connection/tcp/endpoint.ts'
import { isNamedBySan, missingName } from '../../connection/tls/server-identity.ts'
import { agreementOf, type TlsAgreement, type TlsPolicy, takenBy } from '../../connection/tls/tls-policy.ts'
import { trustSettings } from '../../connection/tls/trust-settings.ts'
import { type CheckParts, checkTimeoutMs } from './check-parts.ts'

/** What the cloud's server showed in a handshake that did not check its certificate. */
export interface SeenTls {
  readonly certificate: PeerCertificate
  /** For people: the agreed protocol and suite, and whether `cloud.tls: modern` would do. */
  readonly text: string
}

/**
 * Tries the TLS of the cloud with the policy of the settings, then with `modern`. When the first fails, it tries everything, to
 * report what the server offers instead. Nothing is sent over these connections.
 *
 * @throws AgentError `TLS_FAILED` with what the server offers and what to do, and the errors of `SocketOpener.open`
 */
export async function seeTls(parts: CheckParts): Promise<SeenTls> {
  const { settings } = parts
  const { host, port, tls = 'compatible' } = settings.cloud
  const own = await look(parts, tls).catch(async (thrown: unknown) => {
    const error = asAgentError(thrown)
    const any = error.code === 'TLS_FAILED' ? await look(parts, 'any').catch(() => undefined) : undefined
    if (any === undefined) throw error
    throw new AgentError('TLS_FAILED', offersOnly(hostAndPort({ host, port }), any.agreement, tls), { cause: error })
  })
  const { agreement, certificate } = own
  const agreed = `${agreementText(agreement)}; ${await modernText(parts, certificate)}`
  return { certificate, text: agreed }
}

interface Look {
  readonly agreement: TlsAgreement
  readonly certificate: PeerCertificate
}

async function look({ settings, clock, log }: CheckParts, tls: TlsPolicy): Promise<Look> {
  const { host, port } = settings.cloud
  const opener = new SocketOpener({ proxy: settings.proxy, trust: { validateCloudCert: false, tls }, clock, log })
  const socket = await opener.open({ host, port, tls: true }, { timeoutMs: checkTimeoutMs })
  if (!(socket instanceof TLSSocket))
    throw new AgentError('TLS_FAILED', `${hostAndPort({ host, port })}: there is no TLS.`)
  const seen = { agreement: agreementOf(socket), certificate: socket.getPeerCertificate() }
  socket.destroy()
  return seen
}

function agreementText({ protocol, cipher, keyExchange }: TlsAgreement): string {
  return `${protocol}, ${cipher}, key exchange ${keyExchange}`
}

function offersOnly(place: string, agreement: TlsAgreement, policy: TlsPolicy): string {
  const seen = `${place} offers ${agreementText(agreement)}, and nothing that cloud.tls "${policy}" takes`
  const isCompatible = policy === 'modern' && agreement.protocol === 'TLSv1.2' && /^ECDHE/.test(agreement.keyExchange)
  const until = isCompatible
    ? '. Until then write "tls": "compatible" into the section cloud of the connection file'
    : ''
  return `${seen}: have the server offer ${takenBy[policy]}${until}`
}

/** Whether the owner can require `modern`, and what prevents it. */
async function modernText(parts: CheckParts, certificate: PeerCertificate): Promise<string> {
  const { tls } = parts.settings.cloud
  if (tls === 'modern') return 'cloud.tls is modern'
  const faults = await modernFaults(parts, certificate)
  if (faults === undefined) return 'whether cloud.tls "modern" would do is seen when the certificate is trusted'
  if (faults.length === 0)
    return 'cloud.tls "modern" would do: add "tls": "modern" to the section cloud of the connection file'
  const accept = tls === undefined ? '. To accept it write "tls": "compatible" there' : ''
  return `WARNING: cloud.tls "modern" would not do: ${faults.join('; ')}${accept}`
}

/** What `modern` would refuse; undefined when the agent refuses the server anyway, which another check explains. */
async function modernFaults(parts: CheckParts, certificate: PeerCertificate): Promise<readonly string[] | undefined> {
  const { settings } = parts
  const { host } = settings.cloud
  const isByName = !isNamedBySan(host, certificate) && checkServerIdentity(host, certificate) === undefined
  const faults = isByName ? [missingName(host)] : []
  const error = await failureOf(parts, { ...settings, cloud: { ...settings.cloud, tls: 'modern' } })
  if (error === undefined || (error.code === 'CERTIFICATE_REFUSED' && isByName)) return faults
  if (error.code === 'TLS_FAILED') return [`have the server offer ${takenBy.modern}`, ...faults]
  return (await failureOf(parts, settings)) === undefined ? [...faults, error.message] : undefined
}

/** Why the agent could not connect with these settings; undefined when it could. */
async function failureOf({ clock, log }: CheckParts, settings: Settings): Promise<AgentError | undefined> {
  const { host, port } = settings.cloud
  const opener = new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
  try {
    const socket = await opener.open({ host, port, tls: true }, { timeoutMs: checkTimeoutMs })
    socket.destroy()
    return undefined
  } catch (error) {
    return asAgentError(error)
  }
}
