import { createServer as createTcp, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { keptPassword } from './access/operator-password.ts'
import { allCommands } from './commands/all.ts'
import { type Certificates, prepareCertificates } from './data-folder/certificates.ts'
import { prepareFolder } from './data-folder/data-folder.ts'
import { switchFaults } from './fault-switches.ts'
import { createHttps } from './http/server.ts'
import { Broker } from './mqtt/broker.ts'
import { socketCarrier, Wire } from './mqtt/wire.ts'
import type { CloudOptions } from './options.ts'
import { Listener } from './sockets/listener.ts'
import { RawSockets } from './sockets/raw-sockets.ts'
import { State } from './store/state.ts'
import type { Transport } from './traffic/connections.ts'

/** What the ready line tells. */
export interface Ready {
  readonly ready: true
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
  /** How to log in, where the password was made here; one that somebody chose is not repeated. */
  readonly operator?: { readonly user: string; readonly password: string }
}

/** The local cloud: its ports, and behind them the state and the broker. */
export class LocalCloud {
  readonly #options: CloudOptions
  readonly #password: string
  readonly #state: State
  readonly #broker: Broker
  readonly #raw = new RawSockets()
  readonly #listeners: Listener[] = []
  #stopped: Promise<void> | undefined

  private constructor(options: CloudOptions, password: string) {
    this.#options = options
    this.#state = new State({ ...options, password })
    this.#broker = new Broker(this.#state, allCommands)
    this.#password = password
  }

  /** A cloud with its data folder and the operator's password, not yet started. */
  static async prepare(options: CloudOptions): Promise<LocalCloud> {
    await prepareFolder(options.dataDir)
    return new LocalCloud(options, options.password ?? (await keptPassword(options.dataDir)))
  }

  async start(): Promise<Ready> {
    const { dataDir, token, user, password } = this.#options
    const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...this.#names()])]
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
    this.#state.relays.setBase(`wss://${this.#dialledName()}:${https.port}`)
    return {
      ready: true,
      mqtt: mqtt.port,
      mqtts: mqtts.port,
      https: https.port,
      ca: certificates.caPath,
      token,
      ...(password === undefined ? { operator: { user, password: this.#password } } : {}),
    }
  }

  /** The names that somebody chose for this cloud. */
  #names(): readonly string[] {
    const { host, names } = this.#options
    return isWildcard(host) ? names : [...names, host.toLowerCase()]
  }

  /** The name of the certificate by which devices reach the relay. */
  #dialledName(): string {
    const [name = 'localhost'] = this.#names()
    if (name === '127.0.0.1' || name === '::1') return 'localhost'
    return name.includes(':') ? `[${name}]` : name
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
      names: this.#names(),
    })
    for (const server of [secure, web]) {
      server.on('connection', (socket: Socket) => this.#raw.add(socket))
      server.on('tlsClientError', (error: Error) => this.#state.transcript.event('', 'tls', { text: error.message }))
    }
    return {
      mqtt: new Listener(plain, host, mqtt),
      mqtts: new Listener(secure, host, mqtts),
      https: new Listener(web, host, https),
    }
  }

  #take(transport: Transport, socket: Socket): void {
    const record = this.#state.connections.open(transport, { address: socket.remoteAddress, port: socket.remotePort })
    const takes = (bytes: number) => this.#broker.takesPacket(record, bytes)
    const wire = new Wire(socketCarrier(socket, this.#raw.below(socket)), record, takes)
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

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}
