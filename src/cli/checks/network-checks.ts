// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { withoutControls } from '../../base/control-characters.ts'
import { AgentError } from '../../base/errors.ts'
import { withDeadline } from '../../base/wait.ts'
import { systemNames } from '../../connection/names/name-look-up.ts'
import { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { hostAndPort, wireHost } from '../../connection/tcp/endpoint.ts'
import { tcpFailure } from '../../connection/tcp/failure.ts'
import { type NamedBy, namedByCloud, namedByProxy, noNameServer } from '../../connection/tcp/named-by.ts'
import { trustSettings } from '../../connection/tls/trust-settings.ts'
import { type CheckParts, checkTimeoutMs } from './check-parts.ts'
import type { Check } from './run-checks.ts'
import { seeTls } from './seen-tls.ts'

/** Dates and issuer of a server's certificate. */
interface SeenCertificate {
  readonly validFromMs: number
  readonly validToMs: number
  readonly issuer: string
}

/** From the name of the cloud to its certificate. */
export function networkChecks(parts: CheckParts): readonly Check[] {
  return [...pathChecks(parts), ...tlsChecks(parts)]
}

interface Destination {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

function open(opener: SocketOpener, to: Destination, namedBy = namedByCloud) {
  return opener.open(to, { timeoutMs: checkTimeoutMs, namedBy })
}

/** Opens sockets as the agent does: through the proxy, if one is set. */
function agentOpener({ settings, clock, log }: CheckParts): SocketOpener {
  return new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
}

/** The name, the proxy, and a TCP connection to the cloud. */
function pathChecks(parts: CheckParts): readonly Check[] {
  const { settings, clock, log } = parts
  const { cloud, proxy } = settings
  return [
    {
      name: 'name',
      run: async () => {
        const host = proxy?.host ?? cloud.host
        if (isIP(host) !== 0) return { skip: `${host} is an address` }
        const addresses = await resolve(host, clock, proxy === undefined ? namedByCloud : namedByProxy)
        return `${host} is ${addresses.join(', ')}${proxy === undefined ? '' : '; the proxy looks up the cloud'}`
      },
    },
    {
      name: 'proxy',
      needs: ['name'],
      run: async () => {
        if (proxy === undefined) return { skip: 'no proxy is set' }
        const direct = new SocketOpener({ trust: trustSettings(settings), clock, log })
        const socket = await open(direct, { host: proxy.host, port: proxy.port, tls: false }, namedByProxy)
        socket.destroy()
        return `${proxy.type} proxy ${hostAndPort(proxy)} accepts connections`
      },
    },
    {
      name: 'TCP',
      needs: ['name', 'proxy'],
      run: async () => {
        const { host, port } = cloud
        const socket = await open(agentOpener(parts), { host, port, tls: false })
        const { remoteAddress } = socket
        socket.destroy()
        const place = hostAndPort({ host, port })
        return proxy === undefined
          ? `${place} accepts connections (${remoteAddress})`
          : `${place} can be reached through the proxy`
      },
    },
  ]
}

/** The TLS of the cloud, the clock of the device, and the certificate. The last two need the certificate that the first one sees. */
function tlsChecks(parts: CheckParts): readonly Check[] {
  const { settings, clock } = parts
  const { host, port, transport } = settings.cloud
  const noTls = transport === 'mqtt' ? { skip: 'cloud.transport is mqtt: there is no TLS' } : undefined
  let seen: SeenCertificate | undefined
  return [
    {
      name: 'TLS',
      needs: ['TCP'],
      // The general remedy of TLS_FAILED is to run this very check.
      remedies: { TLS_FAILED: 'Check cloud.port and cloud.transport: the port may not speak TLS.' },
      run: async () => {
        if (noTls !== undefined) return noTls
        const { certificate, text } = await seeTls(parts)
        seen = datesOf(certificate)
        return text
      },
    },
    {
      name: 'clock',
      needs: ['TLS'],
      run: async () => noTls ?? checkClock(clock.now(), hostAndPort({ host, port }), seen),
    },
    {
      name: 'certificate',
      needs: ['TLS'],
      run: async () => {
        if (noTls !== undefined) return noTls
        if (!settings.validateCloudCert)
          return { skip: 'validate_cloud_cert is false: the certificate is NOT CHECKED; set it to true' }
        const socket = await open(agentOpener(parts), { host, port, tls: true })
        socket.destroy()
        const dates = seen === undefined ? '' : `, from ${seen.issuer}, valid until ${day(seen.validToMs)}`
        return `trusted for ${host}${dates}`
      },
    },
  ]
}

async function resolve(host: string, clock: Clock, namedBy: NamedBy): Promise<string[]> {
  const late = () =>
    new AgentError('NAME_NOT_RESOLVED', `${host}: the name server did not answer within ${checkTimeoutMs / 1000} s.`, {
      remedy: noNameServer,
    })
  try {
    const look = (signal: AbortSignal) => systemNames.addressesOf(wireHost(host), signal)
    return (await withDeadline(clock, checkTimeoutMs, late, look)).map(({ address }) => address)
  } catch (error) {
    throw error instanceof AgentError ? error : tcpFailure(host, error, namedBy)
  }
}

function datesOf({ valid_from: from, valid_to: to, issuer }: PeerCertificate): SeenCertificate | undefined {
  const [validFromMs, validToMs] = [Date.parse(from), Date.parse(to)]
  if (Number.isNaN(validFromMs) || Number.isNaN(validToMs)) return undefined
  const names: readonly unknown[] = [issuer?.O, issuer?.CN].flat()
  const name = names.filter(part => typeof part === 'string').join(', ')
  // The certificate is not checked yet: what its names hold is not known.
  return { validFromMs, validToMs, issuer: withoutControls(name).slice(0, 100) }
}

/** A clock outside of the certificate's dates was nearly always never set. */
function checkClock(nowMs: number, place: string, seen: SeenCertificate | undefined): string {
  const now = new Date(nowMs).toISOString()
  if (seen !== undefined && nowMs < seen.validFromMs) {
    const message = `The clock of this device says ${now}, but the certificate of ${place} is valid from ${day(seen.validFromMs)}.`
    throw new AgentError('CERTIFICATE_NOT_YET_VALID', message)
  }
  if (seen !== undefined && nowMs > seen.validToMs) {
    const message = `The clock of this device says ${now}, but the certificate of ${place} was valid until ${day(seen.validToMs)}.`
    throw new AgentError('CERTIFICATE_EXPIRED', message)
  }
  return `${now}; within the dates of the certificate`
}

function day(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}
