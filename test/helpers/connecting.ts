// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { AgentError } from '../../src/base/errors.ts'
import type { ProxySettings, Transport } from '../../src/config/settings.ts'
import { Link } from '../../src/connection/link.ts'
import type { OnWire } from '../../src/connection/reconnect.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import type { TrustSettings } from '../../src/connection/tls/trust-settings.ts'
import { memoryLog } from './memory-log.ts'
import { tempDir } from './temp-dir.ts'
import type { TestCertificate } from './test-certificates.ts'

export interface TestOpener {
  readonly opener: SocketOpener
  readonly log: ReturnType<typeof memoryLog>
}

/** A socket opener that trusts `authority` and nothing else. */
export function testOpener(
  t: TestContext,
  options: {
    authority?: TestCertificate
    proxy?: ProxySettings
    validate?: boolean
    clock?: Clock
    tls?: TrustSettings['tls']
  } = {},
): TestOpener {
  const { authority, proxy, validate = true, clock = systemClock, tls } = options
  const log = memoryLog(clock)
  const trust = {
    validateCloudCert: validate,
    ...(tls === undefined ? {} : { tls }),
    ...(authority === undefined ? {} : { caBundleFile: caFile(t, authority) }),
  }
  return { opener: new SocketOpener({ proxy, trust, clock, log: log.log }), log }
}

/** The certificate of a CA as a file. */
export function caFile(t: TestContext, authority: TestCertificate): string {
  const path = join(tempDir(t), 'ca.pem')
  writeFileSync(path, authority.certificate)
  return path
}

/** A link that is closed with the test. */
export function testLink(
  t: TestContext,
  endpoint: { host: string; port: number; transport: Transport },
  { opener, log }: TestOpener,
  options: { clock?: Clock; keepaliveS?: number; connectTimeoutMs?: number; onWire?: () => OnWire } = {},
): Link {
  const { clock = systemClock, ...rest } = options
  const link = new Link({
    endpoint,
    thingKey: 'device-1-app',
    token: 's3cret-token',
    opener,
    clock,
    log: log.log,
    ...rest,
  })
  t.after(() => link.close({ timeoutMs: 0 }))
  return link
}

/** The next event of that name, with its arguments. */
export function next(link: Link, event: 'up'): Promise<[]>
export function next(link: Link, event: 'down' | 'failed' | 'rejected'): Promise<[AgentError]>
export function next(link: Link, event: 'message'): Promise<[string, Uint8Array]>
export function next(link: Link, event: 'up' | 'down' | 'failed' | 'rejected' | 'message'): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const off = link.on(event, (...args: unknown[]) => {
      off()
      offFailed()
      resolve(args)
    })
    // Who waits for a connection wants to hear why there is none.
    const offFailed = event === 'up' ? link.on('failed', reject) : () => {}
  })
}
