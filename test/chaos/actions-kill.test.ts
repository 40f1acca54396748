// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openCalls } from '../helpers/acks.ts'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { newDevice } from '../helpers/client-scene.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

const kills = process.env.DEVICE_CLOUD_LONG === '1' ? 1000 : 50
const longestLifeMs = 400
const methods = ['at_once', 'slowly', 'slowly', 'fails', 'over_the_end']

interface Device {
  readonly dir: string
  readonly thingKey: string
  readonly effectFile: string
  /** One life, ended by kill -9 when `until` resolves; it begins with the first word of the process. */
  live(until: () => Promise<unknown>): Promise<void>
}

async function makeDevice(t: TestContext, cloud: LocalCloud): Promise<Device> {
  const script = await bundledProgram(t, 'chaos/programs/actor.ts')
  const dir = newDevice(t)
  const { host, mqtt, token } = cloud
  const config = { cloud: { host, port: mqtt, transport: 'mqtt', token } }
  writeFileSync(join(dir, 'chaos-connect.cfg'), JSON.stringify(config), { mode: 0o600 })
  const effectFile = join(dir, 'effects')
  writeFileSync(effectFile, '')
  const live = async (until: () => Promise<unknown>) => {
    const child = spawn(process.execPath, [script, dir, effectFile], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise(done => child.once('close', done))
    t.after(() => child.kill('SIGKILL'))
    await new Promise(done => child.stdout.once('data', done))
    await until()
    child.kill('SIGKILL')
    await ended
  }
  return { dir, thingKey: `${readFileSync(join(dir, 'device_id'), 'utf8')}-chaos`, effectFile, live }
}

interface Answer {
  readonly id: string
  readonly errorCode: number
  readonly errorMessage?: string
  readonly params?: unknown
}

/** Every acknowledgement that the cloud was sent from `since` on. */
async function answersSince(cloud: LocalCloud, thingKey: string, since: number): Promise<readonly Answer[]> {
  const heard = await cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.ack', since, limit: 50_000 })
  return heard.flatMap(({ payload }) =>
    Object.values<{ command: string; params: Answer }>(payload)
      .filter(({ command }) => command === 'mailbox.ack')
      .map(({ params }) => params),
  )
}

test(`${kills} kills at random moments: no action twice, and one answer for every mail`, async t => {
  const cloud = await startCloud(t)
  const device = await makeDevice(t, cloud)
  const { thingKey } = device
  const answers = new Map<string, Answer[]>()
  let since = 0
  const collect = async () => {
    const next = await cloud.mark()
    for (const answer of await answersSince(cloud, thingKey, since))
      answers.set(answer.id, [...(answers.get(answer.id) ?? []), answer])
    since = next
  }
  await device.live(() => cloud.waitForThing(thingKey))
  // As a cloud does that forgets what it has handed out.
  await cloud.fault('redeliverMail', { thingKey, when: 'check' })
  await cloud.fault('duplicateMail', { thingKey })
  await cloud.fault('duplicateNotify', { thingKey, copies: 2 })
  const mails = new Map<string, string>()
  const send = async (method: string) => {
    const { id } = await cloud.ask('method.exec', { thingKey, method, ackTimeout: 0, ttl: -1 })
    mails.set(id, method)
  }
  for (let kill = 0; kill < kills; kill++) {
    const fault = kill % 5 === 4 ? await cloud.fault('refuseLogin', { thingKey }) : undefined
    const lifeMs = Math.random() * longestLifeMs
    await device.live(async () => {
      const over = new Promise(done => setTimeout(done, lifeMs))
      for (const method of methods) await send(method)
      await over
    })
    if (fault !== undefined) await cloud.clearFaults({ id: fault })
    await collect()
  }

  // The last lives only have to answer what the others left; what they hand over themselves is left to the one after.
  const open = () => openCalls(cloud, thingKey)
  for (let last = 0; last < 20 && (await open()) > 0; last++)
    await device.live(async () => {
      for (let quiet = 0, before = -1; quiet < 5; ) {
        await new Promise(done => setTimeout(done, 100))
        const now = await open()
        quiet = now === before ? quiet + 1 : 0
        before = now
      }
    })
  await collect()

  const effects = readFileSync(device.effectFile, 'utf8').split('\n').filter(Boolean)
  assert.equal(new Set(effects).size, effects.length, 'an action was done twice')
  let cutOff = 0
  for (const [id, method] of mails) {
    const [first, ...rest] = answers.get(id) ?? []
    assert.ok(first !== undefined, `${method} ${id} was never answered`)
    for (const again of rest) assert.deepEqual(again, first, `${method} ${id} has two answers`)
    const done = effects.includes(id)
    if (first.errorMessage?.includes('ended in mid-action')) {
      assert.equal(first.errorCode, 19)
      cutOff++
    } else if (method === 'fails') assert.deepEqual([first.errorMessage, done], ['ERROR: as it should', true])
    else if (method === 'over_the_end') assert.deepEqual([first.errorCode, first.params], [0, { id }])
    else assert.deepEqual([first.errorCode, first.params, done], [0, { id }, true], `${method} ${id}`)
    const mail = await cloud.ask('mailbox.find', { id })
    assert.equal(mail.status, first.errorCode === 0 ? 'completed' : 'completed-error')
  }
  const sent = [...answers.values()].reduce((sum, list) => sum + list.length, 0)
  t.diagnostic(`${mails.size} mails, ${effects.length} effects, ${cutOff} cut off, ${sent} acknowledgements sent`)
  assert.ok(cutOff > 0, 'no kill hit an action')
})
