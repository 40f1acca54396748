import { createServer as createTcp, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { Broker } from './broker.ts'
import { type Certificates, prepareCertificates } from './certificates.ts'
import { allCommands } from './commands/all.ts'
import { createHttps } from './http/server.ts'
import { Listener } from './listener.ts'
import type { CloudOptions } from './options.ts'
import { RawSockets } from './raw-sockets.ts'
import type { Transport } from './sessions.ts'
import { State } from './state.ts'
import { switchFaults } from './switches.ts'
import { socketCarrier, Wire } from './wire.ts'

/** What the ready line tells. */
export interface Ready {
  readonly ready: true
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
}

/** The local cloud: its ports, and behind them the state and the broker. */
export class LocalCloud {
  readonly #options: CloudOptions
  readonly #state: State
  readonly #broker: Broker
  readonly #raw = new RawSockets()
  readonly #listeners: Listener[] = []
  #stopped: Promise<void> | undefined

  constructor(options: CloudOptions) {
    this.#options = options
    this.#state = new State(options)
    this.#broker = new Broker(this.#state, allCommands)
  }

  async start(): Promise<Ready> {
    const { host, dataDir, token } = this.#options
    const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...(isWildcard(host) ? [] : [host])])]
    const certificates = await prepareCertificates(dataDir, hosts)
    await this.#state.files.prepare()
    await this.#broker.start()
    const listeners = this.#makeListeners(certificates)
    for (const listener of Object.values(listeners)) {
      this.#listeners.push(listener)
      await listener.open()
    }
    switchFaults(this.#state, this.#broker, listeners)
    if (this.#options.pythonAgent) {
      this.#state.faults.set('delayPuback', { ms: 5 })
      this.#state.faults.set('cutHistoryFraction', {})
    }
    const { mqtt, mqtts, https } = listeners
    this.#state.relays.setBase(`wss://${certifiedName(host)}:${https.port}`)
    return { ready: true, mqtt: mqtt.port, mqtts: mqtts.port, https: https.port, ca: certificates.caPath, token }
  }

  #makeListeners(certificates: Certificates): Record<'mqtt' | 'mqtts' | 'https', Listener> {
    const { host, mqtt, mqtts, https } = this.#options
    const plain = createTcp({ noDelay: true })
    plain.on('connection', socket => this.#take('mqtt', socket))
    const { cert, key } = certificates
    const secure = createTls({ cert, key, minVersion: 'TLSv1.2', noDelay: true })
    secure.on('secureConnection', socket => {
      socket.setNoDelay(true)
      this.#take('mqtts', socket)
    })
    const web = createHttps({
      state: this.#state,
      commands: allCommands,
      broker: this.#broker,
      raw: this.#raw,
      certificates,
    })
    for (const server of [secure, web.server]) {
      server.on('connection', (socket: Socket) => this.#raw.add(socket))
      server.on('tlsClientError', (error: Error) => this.#state.transcript.event('', 'tls', { text: error.message }))
    }
    return {
      mqtt: new Listener(plain, host, mqtt),
      mqtts: new Listener(secure, host, mqtts),
      https: new Listener(web.server, host, https),
    }
  }

  #take(transport: Transport, socket: Socket): void {
    const record = this.#state.connections.open(transport, { address: socket.remoteAddress, port: socket.remotePort })
    const wire = new Wire(socketCarrier(socket, this.#raw.below(socket)), record, this.#broker.mostPacketBytes())
    if (this.#state.faults.list().some(fault => fault.name === 'halfOpen' && fault.params.fresh === true)) wire.freeze()
    this.#broker.handle(wire)
  }

  /** Ends every connection and closes every port; a second call waits for the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#state.relays.stop()
    await this.#broker.stop()
    await Promise.all(this.#listeners.map(listener => listener.stop()))
    await this.#state.files.remove()
  }
}

/** A name of the certificate by which devices can reach this cloud. */
function certifiedName(host: string): string {
  if (isWildcard(host) || host === '127.0.0.1' || host === '::1') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
