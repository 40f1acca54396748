import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { build } from 'esbuild'
import { eventually } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, type ManagedDevice, makeDevice } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { offerPackages } from '../helpers/update-packages.ts'

const kills = process.env.DEVICE_CLOUD_LONG === '1' ? 1000 : 50

/** The agent in one file, so that a life is spent on the update and not on loading. */
async function agentScript(t: TestContext): Promise<string> {
  const outfile = join(tempDir(t), 'agent.mjs')
  await build({
    entryPoints: [resolve(import.meta.dirname, '../../src/main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  })
  return outfile
}

/** Each script says that it ran, and which group it belongs to, before it does anything slow. */
const said = (word: string) => `echo ${word} >>../../effects; echo $PPID >../../group; sleep 0.05; echo ${word} ends`
const manifest = {
  pre_install: said('pre'),
  install: said('install'),
  post_install: said('post'),
  error_action: said('undo'),
  health_check: { timeout: 60 },
}

interface Ack {
  readonly command: string
  readonly params: { readonly id: string; readonly errorCode: number; readonly errorMessage: string }
}

class Scene {
  readonly #script: string
  readonly #cloud: LocalCloud
  readonly device: ManagedDevice
  #child: ChildProcess | undefined

  constructor(script: string, cloud: LocalCloud, device: ManagedDevice) {
    this.#script = script
    this.#cloud = cloud
    this.device = device
  }

  /** Starts the agent; resolves when it has said something like `pattern`. */
  async live(pattern: RegExp): Promise<void> {
    const args = [this.#script, 'manager', '-i', 'device_manager_py']
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
      async () => {
        const { counts } = await this.#cloud.ask('mailbox.summary', { thingKey })
        return counts.new + counts['in-flight'] === 0 && !existsSync(this.device.path('runtime/.otalock'))
      },
      30_000,
    )
    const heard = await this.#cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.ack', limit: 50_000 })
    const acks = heard
      .flatMap(({ payload }) => Object.values<Ack>(payload))
      .filter(({ command, params }) => command === 'mailbox.ack' && params.id === id)
      .map(({ params }) => params)
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

async function makeScene(t: TestContext): Promise<Scene> {
  const cloud = await startCloud(t, { token: deviceToken })
  await offerPackages(t, cloud, [{ name: 'p.tar.gz', manifest }])
  const scene = new Scene(await agentScript(t), cloud, makeDevice(t, cloud))
  t.after(() => scene.kill(true))
  // A thing that the cloud has never seen has no mailbox.
  await scene.live(/device manager runs/)
  await cloud.waitForThing(scene.device.thingKey)
  await scene.kill(false)
  return scene
}

const steps = ['download', 'unpack', 'pre-install', 'install', 'post-install', 'health check', 'complete', 'finish']

test('a crash in each state of the update: it goes on, and the cloud gets its one answer', async t => {
  const scene = await makeScene(t)
  for (const step of steps) {
    await t.test(`in ${step}`, async () => {
      const waiting = scene.live(new RegExp(`software update:? ${step}`))
      const id = await scene.order()
      await waiting
      await scene.kill(false)
      await scene.live(/device manager runs/)
      const status = await scene.outcome(id)
      // Only a script that was caught before its first word is not known to have run.
      assert.ok([0, 19].includes(status), String(status))
      await scene.kill(false)
    })
  }
})

test('a power cut in a script: it is not run again, and error_action undoes it', async t => {
  const scene = await makeScene(t)
  for (const word of ['pre', 'install', 'post']) {
    await t.test(`in ${word}`, async () => {
      const waiting = scene.live(/device manager runs/)
      const id = await scene.order()
      await waiting
      await eventually(
        word,
        () => existsSync(scene.device.path('effects')) && scene.device.read('effects').includes(word),
      )
      await eventually('its group', () => existsSync(scene.device.path('group')))
      await scene.kill(true)
      await scene.live(/device manager runs/)
      assert.ok([0, 19].includes(await scene.outcome(id)))
      await scene.kill(false)
    })
  }
})

test(`${kills} crashes and power cuts at random moments: nothing runs twice, and one answer for each update`, async t => {
  const scene = await makeScene(t)
  const seen = new Map<number, number>()
  writeFileSync(scene.device.path('effects'), '')
  for (let kill = 0; kill < kills; ) {
    const waiting = scene.live(/device manager runs/)
    const id = await scene.order()
    await waiting
    for (let more = 1 + Math.floor(Math.random() * 3); more > 0 && kill < kills; more--, kill++) {
      await new Promise(done => setTimeout(done, Math.random() * 600))
      await scene.kill(Math.random() < 0.3)
      await scene.live(/device manager runs/)
    }
    const status = await scene.outcome(id)
    seen.set(status, (seen.get(status) ?? 0) + 1)
    await scene.kill(false)
  }
  t.diagnostic(`statuses: ${JSON.stringify([...seen])}`)
})
