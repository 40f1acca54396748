// SPDX-License-Identifier: Apache-2.0
import { createServer as createTcp, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { storedPassword } from './access/operator-password.ts'
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

/** The content of the ready line. */
export interface Ready {
  readonly ready: true
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
  /** How to log in, when the password was made by this cloud; a password that the caller chose is not repeated. */
  readonly operator?: { readonly user: string; readonly password: string } | undefined
}

/** The local cloud: its state, the broker, and the ports. */
export class LocalCloud {
  readonly #options: CloudOptions
  readonly #password: string
  readonly #state: State
  readonly #broker: Broker
  readonly #rawSockets = new RawSockets()
  readonly #listeners: Listener[] = []
  #stopped: Promise<void> | undefined

  private constructor(options: CloudOptions, password: string) {
    this.#options = options
    this.#state = new State({ ...options, password })
    this.#broker = new Broker(this.#state, allCommands)
    this.#password = password
  }

  /** Prepares the data folder and the operator's password; the cloud is not started. */
  static async prepare(options: CloudOptions): Promise<LocalCloud> {
    await prepareFolder(options.dataDir)
    return new LocalCloud(options, options.password ?? (await storedPassword(options.dataDir)))
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
    this.#state.relays.setBase(`wss://${this.#relayHost()}:${https.port}`)
    return {
      ready: true,
      mqtt: mqtt.port,
      mqtts: mqtts.port,
      https: https.port,
      ca: certificates.caPath,
      token,
      operator: password === undefined ? { user, password: this.#password } : undefined,
    }
  }

  /** The names that the caller chose for this cloud, besides those of loopback. */
  #names(): readonly string[] {
    const { host, names } = this.#options
    return isWildcard(host) ? names : [...names, host.toLowerCase()]
  }

  /** The name in the certificate by which devices connect to the relay. */
  #relayHost(): string {
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
      rawSockets: this.#rawSockets,
      certificates,
      names: this.#names(),
    })
    for (const server of [secure, web]) {
      server.on('connection', (socket: Socket) => this.#rawSockets.add(socket))
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
    const takesPacket = (bytes: number) => this.#broker.takesPacket(record, bytes)
    const wire = new Wire(socketCarrier(socket, this.#rawSockets.below(socket)), record, takesPacket)
    if (this.#state.faults.list().some(fault => fault.name === 'halfOpen' && fault.params.fresh === true)) wire.freeze()
    this.#broker.handle(wire)
  }

  /** Closes every connection and every port; a second call waits for the first. */
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
