import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { withDeadline } from '../../base/wait.ts'
import { hostAndPort, wireHost } from '../../connection/endpoint.ts'
import { tcpFailure } from '../../connection/failure.ts'
import { systemNames } from '../../connection/name-look-up.ts'
import { type NamedBy, namedByCloud, namedByProxy, noNameServer } from '../../connection/named-by.ts'
import { SocketOpener } from '../../connection/socket-opener.ts'
import { trustSettings } from '../../connection/trust-settings.ts'
import type { Check } from '../run-checks.ts'
import { type CheckParts, checkTimeoutMs } from './check-parts.ts'
import { seeTls } from './seen-tls.ts'

/** Dates and issuer of a server's certificate. */
interface SeenCertificate {
  readonly validFromMs: number
  readonly validToMs: number
  readonly issuer: string
}

/** From the name of the cloud to its certificate. */
export function networkChecks({ settings, clock, log }: CheckParts): readonly Check[] {
  const { cloud, proxy, validateCloudCert } = settings
  const target = { host: cloud.host, port: cloud.port }
  const place = hostAndPort(target)
  const trust = trustSettings(settings)
  const open = async (opener: SocketOpener, to: { host: string; port: number; tls: boolean }, namedBy = namedByCloud) =>
    opener.open(to, { timeoutMs: checkTimeoutMs, namedBy })
  const real = new SocketOpener({ proxy, trust, clock, log })
  const noTls = cloud.transport === 'mqtt' ? { skip: 'cloud.transport is mqtt: there is no TLS' } : undefined
  let seen: SeenCertificate | undefined
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
        const direct = new SocketOpener({ trust, clock, log })
        const socket = await open(direct, { host: proxy.host, port: proxy.port, tls: false }, namedByProxy)
        socket.destroy()
        return `${proxy.type} proxy ${hostAndPort(proxy)} accepts connections`
      },
    },
    {
      name: 'TCP',
      needs: ['name', 'proxy'],
      run: async () => {
        const socket = await open(real, { ...target, tls: false })
        const { remoteAddress } = socket
        socket.destroy()
        return proxy === undefined
          ? `${place} accepts connections (${remoteAddress})`
          : `${place} can be reached through the proxy`
      },
    },
    {
      name: 'TLS',
      needs: ['TCP'],
      // The general remedy of TLS_FAILED is to run this very check.
      remedies: { TLS_FAILED: 'Check cloud.port and cloud.transport: the port may speak something else than TLS.' },
      run: async () => {
        if (noTls !== undefined) return noTls
        const { certificate, text } = await seeTls({ settings, clock, log })
        seen = datesOf(certificate)
        return text
      },
    },
    { name: 'clock', needs: ['TLS'], run: async () => noTls ?? checkClock(clock.now(), place, seen) },
    {
      name: 'certificate',
      needs: ['TLS'],
      run: async () => {
        if (noTls !== undefined) return noTls
        if (!validateCloudCert) return { skip: 'validate_cloud_cert is false: NOBODY checks it; set it to true' }
        const socket = await open(real, { ...target, tls: true })
        socket.destroy()
        const dates = seen === undefined ? '' : `, from ${seen.issuer}, valid until ${day(seen.validToMs)}`
        return `trusted for ${cloud.host}${dates}`
      },
    },
  ]
}

async function resolve(host: string, clock: Clock, namedBy: NamedBy): Promise<string[]> {
  const late = () =>
    new AgentError('NAME_NOT_RESOLVED', `${host}: the name server gives no answer within ${checkTimeoutMs / 1000} s`, {
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
  return { validFromMs, validToMs, issuer: printable(name) }
}

/** A clock that lies outside of the certificate's dates is nearly always a clock that was never set. */
function checkClock(nowMs: number, place: string, seen: SeenCertificate | undefined): string {
  const now = new Date(nowMs).toISOString()
  if (seen !== undefined && nowMs < seen.validFromMs) {
    const message = `the clock of this device says ${now}, and the certificate of ${place} begins ${day(seen.validFromMs)}`
    throw new AgentError('CERTIFICATE_NOT_YET_VALID', message)
  }
  if (seen !== undefined && nowMs > seen.validToMs) {
    const message = `the clock of this device says ${now}, and the certificate of ${place} ended ${day(seen.validToMs)}`
    throw new AgentError('CERTIFICATE_EXPIRED', message)
  }
  return `${now}; the certificate of the cloud fits`
}

function day(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10)
}

/** Names in a certificate that nobody has checked yet must not drive a terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this removes
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 100)
}
