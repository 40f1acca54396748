// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError, Client } from '../../src/index.ts'
import { clientScene, connectedScene, newDevice } from '../helpers/client-scene.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { memoryLog } from '../helpers/memory-log.ts'

/** Resolves at the next event of that name. */
function next(client: Client, event: 'connected' | 'disconnected' | 'rejected' | 'error'): Promise<unknown> {
  return new Promise(resolve => {
    const remove = client.on(event, (what?: unknown) => {
      remove()
      resolve(what)
    })
  })
}

test('the link of a client', async t => {
  const cloud = await startCloud(t)

  for (const transport of ['mqtts', 'wss', 'mqtt'] as const) {
    await t.test(`connects over ${transport}, and is alive when the cloud has answered`, async t => {
      const { client, thingKey } = await connectedScene(t, cloud, { transport })
      assert.equal(client.isConnected, true)
      await client.diagnostics.ping()
      assert.equal(client.isAlive, true)
      assert.equal(client.status().link?.state, 'up')
      const thing = await cloud.waitForThing(thingKey)
      assert.equal(thing.key, thingKey)
      await client.disconnect()
      assert.equal(client.isConnected, false)
      assert.equal(client.isAlive, false)
    })
  }

  await t.test('connect() called again waits again [H33]', async t => {
    const { client } = await connectedScene(t, cloud)
    await Promise.all([client.connect(), client.connect({ timeoutMs: 1000 })])
    assert.equal(client.isConnected, true)
  })

  await t.test(
    'a refused login is an event; the wait ends by its own deadline with the refusal as its cause',
    async t => {
      const scene = clientScene(t, cloud, { settings: { cloud: loginWith('wrong') } })
      const { client } = scene
      const rejected = next(client, 'rejected')
      await assert.rejects(client.connect({ timeoutMs: 500 }), (error: unknown) => {
        assert.ok(error instanceof AgentError)
        assert.equal(error.code, 'TIMEOUT')
        assert.ok(error.cause instanceof AgentError)
        assert.equal(error.cause.code, 'LOGIN_REFUSED')
        return true
      })
      assert.equal(((await rejected) as AgentError).code, 'LOGIN_REFUSED')
    },
  )

  await t.test('an aborted wait leaves the client trying, and a later wait succeeds', async t => {
    await cloud.fault('refuseLogin', { times: 1, code: 3 })
    const { client } = clientScene(t, cloud)
    const controller = new AbortController()
    client.on('rejected', () => controller.abort())
    client.on('error', () => controller.abort())
    await assert.rejects(client.connect({ signal: controller.signal }), (error: unknown) => {
      assert.ok(error instanceof AgentError && error.code === 'ABORTED')
      assert.ok(error.cause instanceof AgentError)
      return true
    })
    await client.connect({ timeoutMs: 20_000 })
    assert.equal(client.isConnected, true)
  })

  await t.test('a lost link is an event, comes back by itself, and what was published meanwhile arrives', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    // What the listeners throw is logged, and harms neither the client nor each other.
    const heard: string[] = []
    for (const event of ['disconnected', 'connected'] as const) {
      client.on(event, () => {
        throw new Error('a listener failed')
      })
      client.on(event, async () => {
        throw new Error('an async listener failed')
      })
      client.on(event, () => heard.push(event))
    }
    const [down, up] = [next(client, 'disconnected'), next(client, 'connected')]
    await cloud.fault('closeConnections', { thingKey })
    assert.ok((await down) instanceof AgentError)
    assert.equal(client.isAlive, false)
    const receipt = await client.telemetry.publish('meanwhile', 1)
    await up
    await receipt.delivered({ timeoutMs: 10_000 })
    assert.deepEqual(heard, ['disconnected', 'connected'])
    assert.equal(client.status().link?.reconnects, 1)
  })

  await t.test('disconnect({ waitForReplies }) delivers everything first, and says so', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    await cloud.fault('delayReply', { thingKey, command: 'property.batch', ms: 300, times: 1 })
    const receipts = await Promise.all([1, 2, 3].map(value => client.telemetry.publish('last', value)))
    assert.equal(await client.disconnect({ waitForReplies: true }), true)
    await Promise.all(receipts.map(receipt => receipt.delivered()))
    await cloud.waitForThing(thingKey, { connected: false })
  })

  await t.test('disconnect() is bounded when the cloud is silent, idempotent, and final', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    await cloud.fault('swallowRequest', { thingKey })
    const receipt = await client.telemetry.publish('lost', 1)
    const [first, second] = [client.disconnect({ waitForReplies: true, timeoutMs: 300 }), client.disconnect()]
    assert.equal(first, second)
    assert.equal(await first, false)
    await assert.rejects(receipt.delivered(), { code: 'CLOSED' })
    await assert.rejects(client.telemetry.publish('x', 1), { code: 'CLOSED' })
    await assert.rejects(client.telemetry.current('x'), { code: 'CLOSED' })
    await assert.rejects(client.connect(), { code: 'CLOSED' })
    await assert.rejects(client.files.download('x', '/tmp'), { code: 'CLOSED' })
    await cloud.clearFaults()
  })

  await t.test('nothing begins behind a disconnect(), not even in the same breath', async t => {
    const { client, configDir } = clientScene(t, cloud)
    const ended = client.disconnect()
    await assert.rejects(client.connect(), { code: 'CLOSED' })
    await assert.rejects(client.telemetry.publish('late', 1), { code: 'CLOSED' })
    assert.equal(await ended, true)
    assert.equal(client.thingKey, undefined)
    assert.deepEqual(readdirSync(configDir), ['device_id'])
  })

  await t.test('disconnect() ends a connect() that waits', async t => {
    const { client } = clientScene(t, cloud, { settings: { cloud: loginWith('wrong') } })
    const waiting = client.connect()
    const rejected = next(client, 'rejected')
    await rejected
    await client.disconnect()
    await assert.rejects(waiting, { code: 'CLOSED' })
  })

  await t.test('a wrong configuration names every mistake; after it is put right the same client connects', async t => {
    const configDir = newDevice(t)
    const { log } = memoryLog()
    const file = join(configDir, 'app-connect.cfg')
    const client = new Client('app', { configDir, logger: log })
    t.after(() => client.disconnect())
    writeFileSync(file, JSON.stringify({ cloud: { host: cloud.host, port: 'many' }, qos_level: 7 }), { mode: 0o600 })
    await assert.rejects(client.connect(), (error: unknown) => {
      assert.ok(error instanceof AgentError)
      assert.equal(error.code, 'CONFIG_INVALID')
      const problems = error.details.problems
      assert.ok(Array.isArray(problems))
      assert.ok(problems.length >= 3, 'port, qos_level and the missing token')
      return true
    })
    await assert.rejects(client.telemetry.publish('t', 1), { code: 'CONFIG_INVALID' })
    const { mqtts: port, token } = cloud
    const right = { cloud: { host: cloud.host, port, transport: 'mqtts', token }, ca_bundle_file: cloud.ca }
    writeFileSync(file, JSON.stringify(right), { mode: 0o600 })
    await client.connect({ timeoutMs: 10_000 })
    assert.equal(client.isConnected, true)
  })

  await t.test('a server that nobody vouches for is not connected to', async t => {
    const { client } = clientScene(t, cloud, { settings: { ca_bundle_file: undefined } })
    await assert.rejects(client.connect({ timeoutMs: 1_000 }), (error: unknown) => {
      assert.ok(error instanceof AgentError && error.cause instanceof AgentError)
      assert.equal(error.cause.code, 'CERTIFICATE_REFUSED')
      return true
    })
    assert.equal(client.isConnected, false)
  })

  function loginWith(token: string) {
    const { host, mqtts: port } = cloud
    return { host, port, transport: 'mqtts', token } as const
  }
})

test('wrong arguments are refused where they are given', async () => {
  const wrong = (...args: unknown[]) =>
    assert.throws(() => Reflect.construct(Client, args), { code: 'INVALID_ARGUMENT' })
  wrong('a/b')
  wrong(7)
  wrong('app', { configDir: '' })
  wrong('app', { configFile: 7 })
  wrong('app', { settings: [] })
  wrong('app', { logger: {} })
  const client = new Client('app', { offline: true })
  await assert.rejects(client.connect({ timeoutMs: -1 }), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(client.disconnect({ timeoutMs: Number.NaN }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => Reflect.apply(client.setLogLevel, client, ['loud']), { code: 'INVALID_ARGUMENT' })
  await client.disconnect()
})
