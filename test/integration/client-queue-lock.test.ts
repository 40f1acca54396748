// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { clientScene, connectedScene, newDevice } from '../helpers/client-scene.ts'
import { eventually, eventuallyEqual } from '../helpers/eventually.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

/** A port on which nothing listens: below 1024, where no test ever does. */
const closedPort = 1

/** A device whose applications reach no cloud, so that their samples stay on flash. */
function lonelyDevice(t: TestContext, cloud: LocalCloud, durability: 'always' | 'memory' | 'spill') {
  const configDir = newDevice(t)
  const away = { host: cloud.host, port: closedPort, transport: 'mqtt' as const, token: cloud.token }
  const settings = { cloud: away, queue: { durability } }
  writeFileSync(join(configDir, 'app-connect.cfg'), JSON.stringify(settings), { mode: 0o600 })
  const queue = join(configDir, 'queue', `${readFileSync(join(configDir, 'device_id'), 'utf8')}-app`)
  return { configDir, settings, queue }
}

/** An application in a process of its own, which has published the numbers and stays. */
async function application(t: TestContext, configDir: string, from: number, through: number): Promise<ChildProcess> {
  const script = await bundledProgram(t, 'integration/programs/queue-user.ts')
  const child = spawn(process.execPath, [script, configDir, `${from}`, `${through}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await new Promise<string[]>(resolve =>
    createInterface(child.stdout).once('line', (...all) => resolve(all)),
  )
  assert.equal(line, `took ${through - from + 1}`)
  return child
}

test('of two processes of one application each sample arrives: the second waits for the queue, or is refused', async t => {
  const cloud = await startCloud(t)
  const { configDir, settings } = lonelyDevice(t, cloud, 'always')
  const first = await application(t, configDir, 0, 99)

  const hasty = clientScene(t, cloud, { configDir, settings, queueLock: 'refuse' })
  await assert.rejects(hasty.client.telemetry.publish('number', -1), (error: Record<string, unknown>) => {
    assert.equal(error.code, 'ALREADY_RUNNING')
    assert.match(`${error.message}`, new RegExp(`^Another process uses the queue .*Process ${first.pid} holds .*lock`))
    assert.match(`${error.remedy}`, /app id of its own/)
    return true
  })

  const second = clientScene(t, cloud, { configDir, settings })
  const taken = second.client.telemetry.publish('number', 100)
  await eventually('the second one waits', () => second.log().includes('waiting for the end of another process'))
  assert.match(second.log(), new RegExp(`pid=${first.pid}`))
  first.kill('SIGKILL')
  await taken
  for (let number = 101; number <= 199; number++) await second.client.telemetry.publish('number', number)
  await second.client.disconnect({ timeoutMs: 500 })

  const third = await connectedScene(t, cloud, { configDir, settings: { queue: { durability: 'always' } } })
  const { thingKey } = third
  await eventuallyEqual(
    'all numbers in the cloud',
    async () => (await cloud.ask('cloud.samples', { thingKey, key: 'number', values: true })).values,
    [...Array(200).keys()],
  )
})

test('two clients of one process do not share a queue: the second is refused at once, until the first is closed', async t => {
  const cloud = await startCloud(t)
  const { configDir, settings, queue } = lonelyDevice(t, cloud, 'spill')
  const first = clientScene(t, cloud, { configDir, settings })
  await first.client.telemetry.publish('number', 1)
  const second = clientScene(t, cloud, { configDir, settings })
  await assert.rejects(second.client.open(), (error: Record<string, unknown>) => {
    assert.equal(error.code, 'ALREADY_RUNNING')
    assert.match(`${error.message} ${error.remedy}`, /Another client of this process .* await its disconnect\(\)/)
    return true
  })
  assert.ok(!second.log().includes('waiting for the end'))
  await first.client.disconnect({ timeoutMs: 100 })
  assert.ok(!readdirSync(queue).some(name => name.startsWith('lock')), 'a closed client leaves no lock')
  await second.client.open()
  assert.equal(second.client.status().outbox?.waiting, 1)
})

test('who waits for a queue waits no longer than told: by a signal, by a deadline, and by disconnect()', async t => {
  const cloud = await startCloud(t)
  const { configDir, settings } = lonelyDevice(t, cloud, 'spill')
  const first = await application(t, configDir, 1, 1)
  const { client, log } = clientScene(t, cloud, { configDir, settings })
  const controller = new AbortController()
  const aborted = assert.rejects(client.connect({ signal: controller.signal }), { code: 'ABORTED' })
  await eventually('it waits', () => log().includes('waiting for the end'))
  controller.abort()
  await aborted
  await assert.rejects(client.connect({ timeoutMs: 100 }), {
    code: 'TIMEOUT',
    message: /Another process used the queue/,
  })
  const closed = assert.rejects(client.open(), { code: 'CLOSED' })
  await client.disconnect()
  await closed
  assert.equal(first.exitCode, null)
})

test('with queue.durability: memory nobody is refused, and the second process touches no file of the first', async t => {
  const cloud = await startCloud(t)
  const { configDir, settings, queue } = lonelyDevice(t, cloud, 'memory')
  const journal = join(queue, 'actions.journal')
  mkdirSync(queue, { recursive: true, mode: 0o700 })
  writeFileSync(journal, 'of the first', { mode: 0o600 })
  const first = await application(t, configDir, 1, 1)
  writeFileSync(journal, 'of the first', { mode: 0o600 })
  const before = readdirSync(queue)
  const { client, log } = clientScene(t, cloud, { configDir, settings })
  await client.telemetry.publish('number', 2)
  assert.match(log(), new RegExp(`the journal of actions stays in memory.* pid=${first.pid}`))
  await client.actions.acknowledge('some-id', 0)
  await client.disconnect({ timeoutMs: 100 })
  assert.deepEqual(readdirSync(queue), before)
  assert.equal(readFileSync(journal, 'utf8'), 'of the first')
})

test('a lock that cannot be written is told, and keeps no application from its work', async t => {
  const cloud = await startCloud(t)
  const { configDir, settings, queue } = lonelyDevice(t, cloud, 'always')
  mkdirSync(join(queue, 'lock'), { recursive: true, mode: 0o700 })
  const { client, log } = clientScene(t, cloud, { configDir, settings })
  await client.telemetry.publish('number', 1)
  assert.match(log(), /queue folder not locked.*Cannot read .*lock/)
  assert.ok(
    readdirSync(queue).some(name => name.startsWith('telemetry')),
    'and the sample is on flash',
  )
})
