// SPDX-License-Identifier: Apache-2.0
/** A device whose agent is the built executable and replaces itself, and the cloud that asks for it. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { acksOf, openCalls } from './acks.ts'
import { connectedScene } from './client-scene.ts'
import { eventually } from './eventually.ts'
import type { Startable } from './executable.ts'
import { type LocalCloud, startCloud } from './local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice } from './managed-device.ts'
import { tempDir } from './temp-dir.ts'

export class SelfUpdateScene {
  readonly cloud: LocalCloud
  readonly device: ManagedDevice
  readonly #startable: Startable
  #child: ChildProcess | undefined
  /** What the agent has said since its last start. */
  log = ''

  constructor(cloud: LocalCloud, device: ManagedDevice, startable: Startable) {
    this.cloud = cloud
    this.device = device
    this.#startable = startable
  }

  /** The place of the agent on the device. */
  get place(): string {
    return this.device.path('bin/device-cloud')
  }

  /** Names the file that is in place. */
  get inode(): number {
    return statSync(this.place).ino
  }

  get isAlive(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Starts what is in place, as init does. */
  start(): void {
    const { program, args, path } = this.#startable
    const words = [program, ...args].map(word => (word === path ? this.place : word))
    const child = spawn(words[0] ?? '', [...words.slice(1), 'manager', '-i', 'device_manager_py'], {
      cwd: this.device.folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A group of its own, so that all of it can be ended at once.
      detached: true,
    })
    this.log = ''
    child.stderr.on('data', part => {
      this.log += String(part)
    })
    this.#child = child
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(`${pattern} in the log`, () => pattern.test(this.log), 60_000).catch(error => {
      throw new Error(`${error.message}: ${this.log}`)
    })
  }

  /** Tells it to end, as init does; resolves to its exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child
    if (child === undefined || !this.isAlive) throw new Error(`it has ended by itself: ${this.log}`)
    const ended = new Promise<number | null>(done => child.once('exit', done))
    child.kill('SIGTERM')
    return await ended
  }

  /** Ends the process that was started, or with `all` whatever runs of the agent: a power cut. */
  async kill(all: boolean): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(done => child.once('exit', done))
    process.kill(all ? -child.pid : child.pid, 'SIGKILL')
    await ended
  }

  /** The process of the new executable of update `id`, when it is started on trial for the `start`th time. */
  async trialProcess(id: string, start: number): Promise<number> {
    const record = (): { id?: string; starts?: number; mark?: string } => {
      const text = readIfThere(this.device.path('runtime/ota/trial.json'))
      return text === undefined ? {} : JSON.parse(text)
    }
    const isThere = () => record().id === id && record().starts === start && record().mark !== undefined
    await eventually(`start ${start} on trial`, isThere, 60_000).catch(error => {
      throw new Error(`${error.message}: ${JSON.stringify(record())} ${this.log}`)
    })
    return Number(record().mark?.split(' ')[0])
  }

  /** Asks for an update; resolves to its id. */
  async order(name: string, params: object = {}): Promise<string> {
    const { thingKey } = this.device
    const call = { thingKey, method: 'software_update', params: { package: name, ...params } }
    const { id } = await this.cloud.ask('method.exec', { ...call, ackTimeout: 0, ttl: -1 })
    return id
  }

  /** The one answer to an update, when all of it is over; the old executable or the new one is in place, and nothing beside it. */
  async answer(id: string): Promise<{ errorCode: number; errorMessage: string }> {
    const { thingKey } = this.device
    const isOver = async () =>
      (await openCalls(this.cloud, thingKey)) === 0 && !existsSync(this.device.path('runtime/.otalock'))
    await eventually('the end of the update', isOver, 120_000).catch(error => {
      throw new Error(`${error.message}: ${this.log}`)
    })
    const acks = await acksOf(this.cloud, thingKey, id)
    assert.equal(acks.length, 1, `one answer: ${JSON.stringify(acks)}`)
    assert.deepEqual(readdirSync(dirname(this.place)), ['device-cloud'])
    const { errorCode, errorMessage } = acks[0] ?? { errorCode: -1, errorMessage: '' }
    return { errorCode, errorMessage: errorMessage ?? '' }
  }

  /** Makes a package of an `update.json` and the file `agent`, and puts it into the store of the organisation. */
  async offer(t: TestContext, name: string, manifest: object, agent: string | { readonly path: string }) {
    const folder = join(tempDir(t), 'p')
    mkdirSync(folder)
    writeFileSync(join(folder, 'update.json'), JSON.stringify({ install: 'true', agent: 'agent', ...manifest }))
    if (typeof agent === 'string') writeFileSync(join(folder, 'agent'), agent)
    else linkOrCopy(agent.path, join(folder, 'agent'))
    const path = join(dirname(folder), name)
    // The quickest that gzip can: the executable is large.
    execFileSync('/bin/sh', ['-c', `tar -cf - . | gzip -1 >"$0"`, path], { cwd: folder })
    const { client } = await connectedScene(t, this.cloud, { appId: 'shop' })
    await client.files.upload(path, { global: true })
    await client.disconnect()
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    copyFileSync(from, to)
  }
}

/** A device with its own copy of an executable. Not started yet. */
export async function selfUpdateScene(t: TestContext, startable: Startable): Promise<SelfUpdateScene> {
  const cloud = await startCloud(t, { token: deviceToken })
  // What is on the wire when an agent is killed can only come from the cloud again.
  await cloud.fault('redeliverMail', { when: 'session' })
  const scene = new SelfUpdateScene(cloud, makeDevice(t, cloud), startable)
  mkdirSync(dirname(scene.place))
  copyFileSync(startable.path, scene.place)
  chmodSync(scene.place, 0o755)
  t.after(() => scene.kill(true))
  return scene
}
