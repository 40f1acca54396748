// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { acksOf, openCalls } from './acks.ts'
import { eventually } from './eventually.ts'
import { type LocalCloud, startCloud } from './local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice } from './managed-device.ts'
import { agentScript } from './program.ts'
import { testKey } from './signed-packages.ts'
import { offerPackages } from './update-packages.ts'

/** Each script says that it ran, and which group it belongs to, before it does anything slow. */
const said = (word: string) => `echo ${word} >>../../effects; echo $PPID >../../group; sleep 0.05; echo ${word} ends`
const manifest = {
  pre_install: said('pre'),
  install: said('install'),
  post_install: said('post'),
  error_action: said('undo'),
  health_check: { timeout: 60 },
}

/** A device that is killed while it updates, and the cloud that asked for it. */
export class UpdateScene {
  readonly #cloud: LocalCloud
  readonly device: ManagedDevice
  #child: ChildProcess | undefined

  constructor(cloud: LocalCloud, device: ManagedDevice) {
    this.#cloud = cloud
    this.device = device
  }

  /** Starts the agent; resolves when it has said something like `pattern`. */
  async live(pattern: RegExp): Promise<void> {
    const args = [agentScript(), 'manager', '-i', 'device_manager_py']
    const child = spawn(process.execPath, args, { cwd: this.device.folder, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    await new Promise<void>((done, fail) => {
      let text = ''
      const late = setTimeout(() => fail(new Error(`the agent did not say ${pattern}: ${text}`)), 30_000)
      child.once('exit', () => clearTimeout(late))
      child.once('exit', code => fail(new Error(`the agent ended with ${code}: ${text}`)))
      child.stderr.on('data', part => {
        text += String(part)
        if (!pattern.test(text)) return
        clearTimeout(late)
        done()
      })
    })
  }

  /** Ends the agent as a crash does; `all`: its script too, as a power cut does. */
  async kill(all: boolean): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    child.removeAllListeners('exit')
    const ended = new Promise(done => child.once('exit', done))
    child.kill('SIGKILL')
    await ended
    const file = this.device.path('group')
    if (!all || !existsSync(file)) return
    try {
      process.kill(-Number(readFileSync(file, 'utf8')), 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }

  async order(): Promise<string> {
    for (const name of ['effects', 'group']) rmSync(this.device.path(name), { force: true })
    const params = { thingKey: this.device.thingKey, method: 'software_update', params: { package: 'p.tar.gz' } }
    const { id } = await this.#cloud.ask('method.exec', { ...params, ackTimeout: 0, ttl: -1 })
    return id
  }

  /** Waits for the end of the update, and checks everything that must hold whatever happened. Returns the status. */
  async outcome(id: string): Promise<number> {
    const { thingKey } = this.device
    await eventually(
      'the end of the update',
      async () => (await openCalls(this.#cloud, thingKey)) === 0 && !existsSync(this.device.path('runtime/.otalock')),
      30_000,
    )
    const acks = await acksOf(this.#cloud, thingKey, id)
    assert.ok(acks.length > 0, 'an answer')
    // The same answer may go out again when the agent dies before it hears that the cloud has it; another one never.
    for (const ack of acks) assert.deepEqual(ack, acks[0])
    const effects = existsSync(this.device.path('effects')) ? this.device.read('effects').trim().split('\n') : []
    const status = acks[0]?.errorCode ?? -1
    const history = `${status} ${acks[0]?.errorMessage} ${effects.join()}`
    assert.equal(new Set(effects).size, effects.length, `nothing runs twice: ${history}`)
    const order = ['pre', 'install', 'post', 'undo']
    assert.deepEqual(
      effects,
      [...effects].sort((a, b) => order.indexOf(a) - order.indexOf(b)),
      history,
    )
    if (status === 0) assert.deepEqual(effects, ['pre', 'install', 'post'], history)
    else if (effects.length > 0) assert.equal(effects.at(-1), 'undo', history)
    return status
  }
}

/** @param isSigned the package is signed, and the device requires that */
export async function updateScene(t: TestContext, isSigned = false): Promise<UpdateScene> {
  const cloud = await startCloud(t, { token: deviceToken })
  // A call that is on the wire when the agent is killed can only come from the cloud again: whether it offers mail in flight
  // anew is an open question of the protocol [TR50 4.4], and this is the side on which nothing is lost.
  await cloud.fault('redeliverMail', { when: 'session' })
  const key = testKey()
  const signed = isSigned ? { keys: [key] } : {}
  await offerPackages(t, cloud, [{ name: 'p.tar.gz', manifest: { ...manifest, name: 'app', release: 1 }, ...signed }])
  const device = makeDevice(t, cloud)
  const ota = { public_keys: [key.text], require_signature: true }
  if (isSigned) device.write('iot-connect.cfg', { ...JSON.parse(device.read('iot-connect.cfg')), ota })
  const scene = new UpdateScene(cloud, device)
  t.after(() => scene.kill(true))
  // A thing that the cloud has never seen has no mailbox.
  await scene.live(/device manager runs/)
  await cloud.waitForThing(scene.device.thingKey)
  await scene.kill(false)
  return scene
}
