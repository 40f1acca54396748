// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { TestContext } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { LogRecord } from '../../src/base/log.ts'
import type { ProxySettings } from '../../src/config/settings.ts'
import type { RelayLimits } from '../../src/manager/relay/limits.ts'
import type { OfferedService } from '../../src/manager/relay/policy.ts'
import type { RelayHostPolicy } from '../../src/manager/relay/relay-hosts.ts'
import { RelaySessions } from '../../src/manager/relay/relay-sessions.ts'
import { testOpener } from './connecting.ts'
import { eventually } from './eventually.ts'
import type { FakeClock } from './fake-clock.ts'
import type { TestCertificate } from './test-certificates.ts'
import { listen } from './test-servers.ts'

/** One message as the cloud's end of a relay gets it. */
export interface Heard {
  readonly text: boolean
  readonly bytes: Buffer
}

/** The cloud's end of a relay, which says what a test tells it to. */
export class ScriptedRelay {
  readonly webSocket: WebSocket
  readonly heard: Heard[] = []
  /** The code of the close, when it came. */
  closed: number | undefined

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket
    webSocket.on('error', () => {})
    webSocket.on('message', (data, isBinary) => {
      if (Buffer.isBuffer(data)) this.heard.push({ text: !isBinary, bytes: data })
    })
    webSocket.once('close', code => {
      this.closed = code
    })
  }

  /** Data and markers for a channel, as a text or as binary. */
  say(content: string | Buffer): void {
    this.webSocket.send(content)
  }

  connect(index: number): void {
    this.say(`${String.fromCharCode(index)}CONNECTED-581273`)
  }

  disconnect(index: number): void {
    this.say(`${String.fromCharCode(index)}DISCONNECTED-581273`)
  }

  data(index: number, content: string | Buffer): void {
    this.say(Buffer.concat([Buffer.of(index), Buffer.from(content)]))
  }

  /** What the device has said on a channel so far. */
  from(index: number): Buffer {
    const mine = this.heard.filter(({ text, bytes }) => !text && bytes[0] === index)
    return Buffer.concat(mine.map(({ bytes }) => bytes.subarray(1)))
  }

  hears(index: number, content: string): Promise<unknown> {
    return eventually(`"${content}" on channel ${index}`, () => this.from(index).equals(Buffer.from(content)))
  }

  /** Waits for the disconnect message of a channel. */
  hearsEnd(index: number): Promise<unknown> {
    const message = `${String.fromCharCode(index)}DISCONNECTED-581273`
    return eventually(`the end of channel ${index}`, () =>
      this.heard.some(({ text, bytes }) => text && String(bytes) === message),
    )
  }

  hearsClose(): Promise<number> {
    return eventually('the close of the WebSocket', () => this.closed)
  }
}

export interface RelaySceneOptions {
  readonly services: readonly OfferedService[]
  readonly limits?: Partial<RelayLimits>
  readonly clock?: Clock
  /** With it the relay is reached over TLS, and the device trusts `authority` alone. */
  readonly tls?: { readonly certificate: TestCertificate; readonly authority: TestCertificate }
  readonly proxy?: ProxySettings
  /** How the relay is named (127.0.0.1). */
  readonly host?: string
  /** Where a relay may be; the cloud is where the relay is. */
  readonly relay?: Partial<RelayHostPolicy>
}

/** Sessions of a device against a relay that a test scripts. */
export async function relayScene(t: TestContext, options: RelaySceneOptions) {
  const { clock = systemClock, services, tls, proxy, host = '127.0.0.1' } = options
  const { opener, log } = testOpener(t, {
    clock,
    ...(tls === undefined ? {} : { authority: tls.authority }),
    ...(proxy === undefined ? {} : { proxy }),
  })
  const server =
    tls === undefined
      ? createServer()
      : createHttpsServer({ cert: tls.certificate.certificate, key: tls.certificate.key })
  const webSockets = new WebSocketServer({ server })
  t.after(() => webSockets.close())
  const { port } = await listen(t, server)
  const url = `${tls === undefined ? 'ws' : 'wss'}://${host}:${port}/ws-relay/4711`
  const events: string[] = []
  const limits = { maxSessions: 4, maxChannels: 16, idleTimeoutS: 0, maxDurationS: 0, ...options.limits }
  const sessions = new RelaySessions({
    settings: () => ({
      services,
      allow: [],
      limits,
      allowPlain: tls === undefined,
      relay: { cloudHost: host, ownAddresses: new Set(), ...options.relay },
    }),
    opener,
    clock,
    log: log.log,
    report: async text => events.push(text),
  })
  t.after(() => sessions.close(1000))
  const openAt = (place: string, more: { reconnect?: boolean; port?: number } = {}) => {
    const request = { url: place, host: 'localhost', port: services[0]?.port ?? 0, reconnect: true, ...more }
    return sessions.open(request, new AbortController().signal)
  }
  return {
    sessions,
    events,
    url,
    openAt,
    /** Opens a session that fails, and turns the clock until it is said. */
    async fails(fakeClock: FakeClock, place = url, { isSilent = false } = {}) {
      const startMs = fakeClock.monotonicMs()
      const before = refusals(log.records).length
      let error: unknown
      openAt(place).then(
        id => (error = new Error(`${place} was opened as ${id}`)),
        reason => (error = reason),
      )
      // Only who waits for a server that says nothing needs the clock before the failure.
      if (!isSilent) await eventually('the failure', () => refusals(log.records).length > before)
      await eventually('the answer', async () => {
        if (error === undefined) await fakeClock.advance(100)
        return error !== undefined
      })
      return { error, tookMs: fakeClock.monotonicMs() - startMs, told: refusals(log.records).at(-1) ?? {} }
    },
    log,
    webSockets,
    /** Opens a session to the first service (or the one of `port`). */
    async open(more: { reconnect?: boolean; port?: number } = {}) {
      const came = once(webSockets, 'connection')
      const id = await openAt(url, more)
      const [webSocket] = await came
      return { id, relay: new ScriptedRelay(webSocket) }
    },
  }
}

/** What the owner's log says about relays that were not used. */
function refusals(records: readonly LogRecord[]): readonly LogRecord['fields'][] {
  return records
    .filter(({ level, message }) => level === 'warn' && message.includes('the relay cannot be used'))
    .map(({ fields }) => fields)
}
