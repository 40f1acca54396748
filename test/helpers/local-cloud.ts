// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { eventually } from './eventually.ts'
import { cloudScript } from './program.ts'
import { freePort } from './tcp.ts'
import { tempDir } from './temp-dir.ts'

const checkout = resolve(import.meta.dirname, '../..')

export interface CloudReply {
  readonly success: boolean
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  readonly params?: any
  readonly errorCodes?: readonly number[]
  readonly errorMessages?: readonly string[]
}

/** One entry of the transcript, as `cloud.transcript` returns it. */
export interface Said {
  readonly seq: number
  readonly ts: string
  readonly kind: 'mqtt' | 'http' | 'event'
  /** `in`: to the cloud. */
  readonly direction: 'in' | 'out'
  readonly connection: string
  readonly topic: string
  readonly thingKey?: string
  readonly qos?: number
  readonly dup?: boolean
  readonly bytes?: number
  readonly status?: number
  readonly commands?: readonly string[]
  readonly text?: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  readonly payload?: any
}

/** Filters of `cloud.transcript`; `topic` and `command` may end with `*`. */
export interface SaidFilter {
  readonly since?: number
  readonly kind?: string
  readonly direction?: 'in' | 'out'
  readonly thingKey?: string
  readonly topic?: string
  readonly command?: string
  readonly connection?: string
  readonly contains?: string
  readonly limit?: number
}

/** A connection, as `cloud.connections` returns it. */
export interface SeenConnection {
  readonly id: string
  readonly transport: 'mqtt' | 'mqtts' | 'wss' | 'https'
  readonly remoteAddress: string
  readonly remotePort: number
  readonly openedTs: string
  readonly closedTs?: string
  readonly clientId?: string
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly requests: number
}

interface Ready {
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
  readonly operator?: { readonly user: string; readonly password: string }
}

export interface CloudOptions {
  /** The operator; default: the cloud makes the password. */
  readonly operator?: { readonly user: string; readonly password: string }
  /** Further arguments of the cloud. */
  readonly args?: readonly string[]
  readonly token?: string
  /** The data folder; default: a new one that is removed after the test. */
  readonly dir?: string
}

/** A local cloud that runs as its own process for one test. */
export class LocalCloud {
  readonly host = '127.0.0.1'
  readonly dir: string
  readonly #options: CloudOptions
  #ready: Ready | undefined
  #child: ChildProcess | undefined
  #agent: Agent | undefined
  #sessionId: string | undefined

  constructor(dir: string, options: CloudOptions) {
    this.dir = dir
    this.#options = options
  }

  get #known(): Ready {
    if (this.#ready === undefined) throw new Error('the local cloud has not started')
    return this.#ready
  }

  get mqtt(): number {
    return this.#known.mqtt
  }

  get mqtts(): number {
    return this.#known.mqtts
  }

  get https(): number {
    return this.#known.https
  }

  /** Path of the CA's certificate. */
  get ca(): string {
    return this.#known.ca
  }

  get token(): string {
    return this.#known.token
  }

  get user(): string {
    return this.#operator.user
  }

  get password(): string {
    return this.#operator.password
  }

  get #operator(): { readonly user: string; readonly password: string } {
    const operator = this.#options.operator ?? this.#known.operator
    if (operator === undefined) throw new Error('The ready line of the local cloud has no password.')
    return operator
  }

  /** Starts the process; a second start uses the ports of the first, which nothing else gets meanwhile. */
  async start(): Promise<void> {
    const { mqtt, mqtts, https } = this.#ready ?? (await freePorts())
    const ports = ['--mqtt', String(mqtt), '--mqtts', String(mqtts), '--https', String(https)]
    const token = this.#options.token === undefined ? [] : ['--token', this.#options.token]
    const { operator } = this.#options
    const user = operator === undefined ? [] : ['--user', operator.user]
    const args = [...ports, '--data', this.dir, ...token, ...user, ...(this.#options.args ?? [])]
    const { DEVICE_CLOUD_OPERATOR_PASSWORD: _, ...env } = process.env
    const password = operator === undefined ? {} : { DEVICE_CLOUD_OPERATOR_PASSWORD: operator.password }
    // The cloud ends when its IPC channel closes because this process has ended.
    const child = spawn(process.execPath, [cloudScript(), ...args], {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...env, ...password, NODE_NO_WARNINGS: '1', NODE_OPTIONS: '' },
    })
    this.#child = child
    this.#ready = await readyLine(child)
    this.#agent = new Agent({ keepAlive: true, ca: readFileSync(this.ca) })
    this.#sessionId = undefined
  }

  /** Ends the process; with `hard` by SIGKILL, like a power cut. */
  async stop(how: { hard?: boolean } = {}): Promise<void> {
    this.#agent?.destroy()
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill(how.hard ? 'SIGKILL' : 'SIGTERM')
    await gone
  }

  /** Stops and starts the cloud with the same ports and CA; all other state is lost. */
  async restart(how: { hard?: boolean; whileDown?: () => unknown } = {}): Promise<void> {
    await this.stop(how)
    await how.whileDown?.()
    await this.start()
  }

  /** Runs one command as the operator; a refusal is returned, not thrown. */
  async api(command: string, params: object = {}): Promise<CloudReply> {
    this.#sessionId ??= await this.#login()
    const reply = await this.#post({ cmd: { command, params } }, { sessionId: this.#sessionId })
    return reply.cmd ?? reply
  }

  /** As {@link api}, but returns the params of a success and throws on a refusal. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  async ask(command: string, params: object = {}): Promise<any> {
    const reply = await this.api(command, params)
    if (!reply.success) throw new Error(`${command}: ${(reply.errorMessages ?? ['refused']).join('; ')}`)
    return reply.params ?? {}
  }

  async #login(): Promise<string> {
    const params = { username: this.user, password: this.password }
    const reply = await this.#post({ auth: { command: 'api.authenticate', params } }, {})
    return reply.auth.params.sessionId
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  #post(body: object, headers: Record<string, string>): Promise<any> {
    const agent = this.#agent
    if (agent === undefined) throw new Error('the local cloud has not started')
    return new Promise((resolve, reject) => {
      const options = { host: this.host, port: this.https, path: '/api', method: 'POST', agent, headers }
      const sent = request(options, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('error', reject)
        response.on('end', () => {
          try {
            resolve(JSON.parse(text))
          } catch {
            reject(new Error(`POST /api: ${response.statusCode} ${text.slice(0, 200)}`))
          }
        })
      })
      sent.on('error', reject)
      sent.end(JSON.stringify(body))
    })
  }

  /** Runs an action of a device and waits for its acknowledgement; `more` are further params of method.exec. */
  exec(thingKey: string, method: string, params?: object, more: object = {}): Promise<CloudReply> {
    return this.api('method.exec', { thingKey, method, ...(params === undefined ? {} : { params }), ...more })
  }

  /** Switches a fault on; returns its id. The table is in src/cloud/faults/fault-table.ts. */
  async fault(name: string, params: object = {}): Promise<string> {
    return (await this.ask('cloud.fault.set', { name, ...params })).id
  }

  /** Switches off one fault by id, all of a name, or all of them. */
  async clearFaults(by: { id?: string; name?: string } = {}): Promise<void> {
    await this.ask('cloud.fault.clear', by)
  }

  /** The entries of the transcript that match, oldest first. */
  async transcript(filter: SaidFilter = {}): Promise<readonly Said[]> {
    return (await this.ask('cloud.transcript', filter)).entries
  }

  /** The number of the last entry, to wait for later ones. */
  async mark(): Promise<number> {
    return (await this.ask('cloud.transcript', { limit: 1, direction: 'none' })).seq
  }

  /** Waits for an entry of the transcript that matches, and returns the first. */
  async heard(
    filter: SaidFilter,
    also: (said: Said) => boolean = () => true,
    o: { timeoutMs?: number } = {},
  ): Promise<Said> {
    const { timeoutMs = 20_000 } = o
    const untilMs = performance.now() + timeoutMs
    let since = filter.since ?? 0
    while (performance.now() < untilMs) {
      const waitMs = Math.ceil(Math.min(5_000, Math.max(1, untilMs - performance.now())))
      const { entries }: { entries: readonly Said[] } = await this.ask('cloud.transcript', { ...filter, since, waitMs })
      const found = entries.find(also)
      if (found !== undefined) return found
      since = entries.at(-1)?.seq ?? since
    }
    throw new Error(`The transcript got no entry like ${JSON.stringify(filter)} within ${timeoutMs} ms.`)
  }

  async connections(transport?: string): Promise<readonly SeenConnection[]> {
    return (await this.ask('cloud.connections', transport === undefined ? {} : { transport })).connections
  }

  /** Waits until a thing is connected (or, by `connected: false`, known and not connected), and returns it. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  waitForThing(key: string, o: { connected?: boolean; timeoutMs?: number } = {}): Promise<any> {
    const { connected = true, timeoutMs } = o
    const probe = async () => {
      const reply = await this.api('thing.find', { key })
      return reply.success && reply.params.connected === connected ? reply.params : undefined
    }
    return eventually(`thing ${key} ${connected ? 'connected' : 'not connected'}`, probe, timeoutMs)
  }
}

/** Starts a local cloud on free ports; it is stopped after the test. */
export async function startCloud(t: TestContext, options: CloudOptions = {}): Promise<LocalCloud> {
  const dir = options.dir ?? tempDir(t)
  const cloud = new LocalCloud(dir, options)
  t.after(() => cloud.stop())
  await cloud.start()
  return cloud
}

async function freePorts(): Promise<Pick<Ready, 'mqtt' | 'mqtts' | 'https'>> {
  return { mqtt: await freePort(), mqtts: await freePort(), https: await freePort() }
}

function readyLine(child: ChildProcess): Promise<Ready> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('no pipes')
  let complaints = ''
  stderr.setEncoding('utf8')
  stderr.on('data', (text: string) => {
    complaints = (complaints + text).slice(-10_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the local cloud ended with ${code}: ${complaints}`)))
    createInterface({ input: stdout }).once('line', line => resolve(JSON.parse(line)))
  })
}
