// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { clientScene, newDevice } from '../helpers/client-scene.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

const long = process.env.DEVICE_CLOUD_LONG === '1'
/** Kills for each durability. */
const kills = long ? 334 : 17
const longestLifeMs = 900
const publisherScript = (t: TestContext) => bundledProgram(t, 'chaos/programs/publisher.ts')

function writeConfig(dir: string, cloud: LocalCloud, durability: string): void {
  const { host, mqtt, token } = cloud
  const config = { cloud: { host, port: mqtt, transport: 'mqtt', token }, queue: { durability } }
  writeFileSync(join(dir, 'chaos-connect.cfg'), JSON.stringify(config), { mode: 0o600 })
}

/** One life of the publisher, ended by kill -9; answers how many numbers it had taken charge of. */
function live(script: string, dir: string, key: string, lifeMs: number): Promise<number> {
  return new Promise(resolveLife => {
    const child = spawn(process.execPath, [script, dir, key], { stdio: ['ignore', 'pipe', 'inherit'] })
    let taken = 0
    createInterface({ input: child.stdout }).on('line', line => {
      taken = Number(line) + 1
    })
    // Counted from its first word: the machine may be busy.
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), lifeMs))
    child.once('close', () => resolveLife(taken))
  })
}

/** The values that the cloud has under a key, in the order in which they came. */
async function arrived(cloud: LocalCloud, thingKey: string, key: string): Promise<number[]> {
  const { values } = await cloud.ask('property.history', { thingKey, key, last: '1h' })
  return (values ?? []).map(({ value }: { value: number }) => value)
}

for (const durability of ['always', 'spill', 'memory'] as const) {
  test(`${durability}: ${kills} kills at random moments, online and offline`, async t => {
    const cloud = await startCloud(t)
    const script = await publisherScript(t)
    const dir = newDevice(t)
    writeConfig(dir, cloud, durability)
    const lives: { key: string; taken: number }[] = []
    for (let kill = 0; kill < kills; kill++) {
      const offline = kill % 3 === 2
      const fault = offline ? await cloud.fault('refuseLogin') : undefined
      const key = `life${kill}`
      const taken = await live(script, dir, key, Math.random() * longestLifeMs)
      lives.push({ key, taken })
      if (fault !== undefined) await cloud.clearFaults({ id: fault })
    }
    // The last process only has to deliver what the others left.
    const { client } = clientScene(t, cloud, { appId: 'chaos', configDir: dir, settings: { queue: { durability } } })
    await client.connect({ timeoutMs: 20_000 })
    const delivered = await client.telemetry.publish('end', 1)
    await delivered.delivered({ timeoutMs: 60_000 })
    const thingKey = client.thingKey ?? ''
    let arrivedInAll = 0
    for (const { key, taken } of lives) {
      const values = await arrived(cloud, thingKey, key)
      arrivedInAll += values.length
      const distinct = [...new Set(values)]
      // In order, nothing missing in between: sent again means a repetition of a run, never a gap.
      assert.deepEqual(
        [...distinct].sort((a, b) => a - b),
        distinct.map((_, at) => at),
        `${key}: a gap`,
      )
      if (durability === 'always')
        assert.ok(distinct.length >= taken, `${key}: took charge of ${taken}, ${distinct.length} arrived`)
    }
    t.diagnostic(`${lives.reduce((sum, { taken }) => sum + taken, 0)} taken charge of, ${arrivedInAll} arrived`)
    assert.ok(arrivedInAll > 0)
  })
}

test('spill: what waited for more than two seconds survives a kill, without a link', async t => {
  const cloud = await startCloud(t)
  const script = await publisherScript(t)
  const dir = newDevice(t)
  writeConfig(dir, cloud, 'spill')
  await cloud.fault('refuseLogin')
  const child = spawn(process.execPath, [script, dir, 'offline', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const takenAt: number[] = []
  createInterface({ input: child.stdout }).on('line', () => void takenAt.push(performance.now()))
  await new Promise(done => setTimeout(done, 4500))
  const killedMs = performance.now()
  child.kill('SIGKILL')
  await new Promise(done => child.once('close', done))
  // Two seconds of waiting, and half a second for the disk of a busy machine.
  const promised = takenAt.filter(ms => ms < killedMs - 2500).length
  assert.ok(promised > 0, 'the test saw nothing')
  await cloud.clearFaults()
  const { client } = clientScene(t, cloud, { appId: 'chaos', configDir: dir })
  await client.connect({ timeoutMs: 20_000 })
  await (await client.telemetry.publish('end', 1)).delivered({ timeoutMs: 60_000 })
  const values = await arrived(cloud, client.thingKey ?? '', 'offline')
  assert.ok(values.length >= promised, `${promised} promised, ${values.length} arrived`)
  assert.deepEqual(
    values,
    values.map((_, at) => at),
  )
})
