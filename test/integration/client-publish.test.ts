// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from '../../src/index.ts'
import { connectedScene, newDevice } from '../helpers/client-scene.ts'
import { startCloud } from '../helpers/local-cloud.ts'

test('an application and its cloud', async t => {
  const cloud = await startCloud(t, { token: 's3cret-t0ken' })

  await t.test('what is published arrives as it was given, and delivered() says so', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    const receipts = await Promise.all([
      client.telemetry.publish('temperature', 21.5, { timestamp: '2024-03-05T12:11:12.000345+02:00' }),
      client.attributes.publish('hostname', 'Gerät 7'),
      client.alarms.publish('door', 1, { message: 'open', republish: true }),
      client.events.publish('booted', { level: 'warning' }),
      client.location.publish({ latitude: 48.1, longitude: 11.5, accuracy: 12.34, fixType: 'by hand' }),
      client.thing.update({ name: 'pump 7', description: 'north hall' }),
    ])
    await Promise.all(receipts.map(receipt => receipt.delivered({ timeoutMs: 10_000 })))
    const thing = await cloud.ask('thing.find', { key: thingKey })
    assert.equal(thing.properties.temperature.value, 21.5)
    assert.equal(thing.properties.temperature.ts, '2024-03-05T10:11:12.000345Z')
    assert.equal(thing.attrs.hostname.value, 'Gerät 7')
    assert.equal(thing.alarms.door.state, 1)
    assert.equal(thing.name, 'pump 7')
    assert.equal(thing.desc, 'north hall')
    const log = await cloud.ask('log.list', { thingKey })
    assert.deepEqual(
      log.result.map(({ msg, level }: { msg: string; level: number }) => [msg, level]),
      [['booted', 1]],
    )
    const location = await cloud.ask('location.current', { thingKey })
    assert.equal(location.lat, 48.1)
    assert.equal(location.fixAcc, 12.34)
    assert.equal(location.fixType, 'by hand')
  })

  await t.test('what ties samples together arrives with each kind, alone or in a batch', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    const corrId = 'run-1'
    const place = { latitude: 48.1, longitude: 11.5 }
    const receipts = await Promise.all([
      client.telemetry.publish('rpm', 900, { corrId, aggregate: true }),
      client.telemetry.publish('rpm', 901),
      client.attributes.publish('mode', 'auto', { corrId, republish: true }),
      client.alarms.publish('door', 1, { corrId, ...place }),
      client.events.publish('started', { corrId, global: true }),
      client.location.publish({ ...place, corrId }),
      client.thing.update({ tags: ['north', 'pump'], locationEnabled: false }),
    ])
    await Promise.all(receipts.map(receipt => receipt.delivered({ timeoutMs: 10_000 })))
    const { values } = await cloud.ask('property.history', { thingKey, key: 'rpm', records: 10 })
    assert.deepEqual(
      values.map(({ value, corrId: tie }: { value: number; corrId?: string }) => [value, tie]).toSorted(),
      [
        [900, corrId],
        [901, undefined],
      ],
    )
    assert.equal((await client.attributes.current('mode')).corrId, corrId)
    const alarm = await cloud.ask('alarm.current', { thingKey, key: 'door' })
    assert.deepEqual([alarm.corrId, alarm.lat, alarm.lng], [corrId, 48.1, 11.5])
    assert.equal((await cloud.ask('location.current', { thingKey })).corrId, corrId)
    const log = await cloud.ask('log.list', { corrId })
    assert.deepEqual(
      log.result.map(({ msg }: { msg: string }) => msg),
      ['started'],
    )
    const thing = await cloud.ask('thing.find', { key: thingKey })
    assert.deepEqual([thing.tags, thing.locEnabled], [['north', 'pump'], false])
    const past = await client.telemetry.current('rpm', { timestamp: new Date(Date.now() + 60_000) })
    assert.ok(past.value === 900 || past.value === 901)
  })

  await t.test('fields of the thing are cleared by unset', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    const set = await client.thing.update({ description: 'x', imei: '123' })
    await set.delivered()
    const unset = await client.thing.update({ unset: ['description', 'imei'] })
    await unset.delivered()
    const thing = await cloud.ask('thing.find', { key: thingKey })
    assert.ok(!thing.desc)
    assert.ok(!thing.imei)
  })

  await t.test('current() reads back value and time; what does not exist is refused with the cloud’s code', async t => {
    const { client } = await connectedScene(t, cloud)
    const sent = await client.telemetry.publish('speed', -3.25, { timestamp: 1709633472345 })
    await (await client.attributes.publish('mode', 'fast')).delivered()
    await sent.delivered()
    assert.deepEqual(await client.telemetry.current('speed'), {
      value: -3.25,
      timestamp: '2024-03-05T10:11:12.345000Z',
    })
    assert.equal((await client.attributes.current('mode')).value, 'fast')
    const missing = { code: 'REFUSED_BY_CLOUD' }
    await assert.rejects(client.telemetry.current('nothing'), missing)
    await assert.rejects(client.attributes.current('nothing'), (error: { code?: string; details?: object }) => {
      assert.equal(error.code, 'REFUSED_BY_CLOUD')
      assert.deepEqual(Reflect.get(error.details ?? {}, 'errorCodes'), [-90008])
      return true
    })
  })

  await t.test(
    'reads whose answers come late or never end by their own deadlines, each with its own value [H1 H2]',
    async t => {
      const { client, thingKey } = await connectedScene(t, cloud)
      for (const name of ['a', 'b', 'c']) await (await client.telemetry.publish(name, name.charCodeAt(0))).delivered()
      await cloud.fault('dropReply', { thingKey, command: 'property.current', times: 1 })
      await assert.rejects(client.telemetry.current('a', { timeoutMs: 200 }), { code: 'TIMEOUT' })
      await cloud.fault('reorderReplies', { thingKey, command: 'property.current', window: 3, times: 3 })
      const values = await Promise.all(['a', 'b', 'c'].map(name => client.telemetry.current(name)))
      assert.deepEqual(
        values.map(({ value }) => value),
        [97, 98, 99],
      )
      const aborted = new AbortController()
      await cloud.fault('dropReply', { thingKey, command: 'property.current', times: 1 })
      const read = client.telemetry.current('a', { signal: aborted.signal })
      aborted.abort()
      await assert.rejects(read, { code: 'ABORTED' })
    },
  )

  await t.test('a refused sample is told to its receipt and to "error", and its neighbours arrive', async t => {
    const { client, thingKey } = await connectedScene(t, cloud)
    const errors: string[] = []
    client.on('error', error => errors.push(`${error.code} ${error.details.lane}`))
    await cloud.fault('refuseCommand', { thingKey, key: 'bad', errorCodes: [-90103], errorMessages: ['not you'] })
    const names = ['one', 'bad', 'two']
    const receipts = await Promise.all(names.map(name => client.telemetry.publish(name, 1)))
    const ends = await Promise.allSettled(receipts.map(receipt => receipt.delivered({ timeoutMs: 10_000 })))
    assert.deepEqual(
      ends.map(end => end.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.deepEqual(errors, ['REFUSED_BY_CLOUD telemetry'])
    const { properties } = await cloud.ask('cloud.samples', { thingKey })
    // The first may be there twice: a refused batch does not say how far it got.
    assert.deepEqual(Object.keys(properties).sort(), ['one', 'two'])
  })

  await t.test('what is published before the connection waits for it, in order', async t => {
    const { clientScene } = await import('../helpers/client-scene.ts')
    const scene = clientScene(t, cloud)
    const early = Array.from({ length: 50 }, (_, index) => scene.client.telemetry.publish('count', index))
    await scene.client.connect()
    const receipts = await Promise.all(early)
    await Promise.all(receipts.map(receipt => receipt.delivered({ timeoutMs: 10_000 })))
    const { values } = await cloud.ask('cloud.samples', { thingKey: scene.thingKey, key: 'count', values: true })
    assert.deepEqual(values, [...Array(50).keys()])
  })

  await t.test('ping proves the round trip, time gives the clock of the cloud', async t => {
    const { client } = await connectedScene(t, cloud)
    assert.ok((await client.diagnostics.ping()) > 0)
    assert.ok((await client.diagnostics.time()) instanceof Date)
    assert.equal(client.isAlive, true)
  })

  await t.test('files go up and come down through the client', async t => {
    const { client, configDir } = await connectedScene(t, cloud)
    const { readFileSync, writeFileSync } = await import('node:fs')
    writeFileSync(`${configDir}/report.txt`, 'hello cloud')
    const sent = await client.files.upload(`${configDir}/report.txt`)
    assert.equal(sent.bytes, 11)
    const got = await client.files.download('report.txt', `${configDir}/copy.txt`)
    assert.equal(got.verified, 'size+crc32')
    assert.equal(readFileSync(`${configDir}/copy.txt`, 'utf8'), 'hello cloud')
    await assert.rejects(client.files.download('nothing', configDir), { code: 'FILE_NOT_FOUND' })
  })

  await t.test('a file is stored with its tags, and public only when that is said', async t => {
    const { client, configDir, thingKey } = await connectedScene(t, cloud)
    const path = join(configDir, 'report.txt')
    writeFileSync(path, 'x')
    await client.files.upload(path, { tags: ['daily', 'north'], secTags: ['plant'], public: true, logComplete: true })
    await client.files.upload(path, { name: 'plain.txt' })
    const { result } = await cloud.ask('file.list', { thingKey })
    const seen = ({ fileName, public: isPublic, tags }: { fileName: string; public: boolean; tags: string[] }) => [
      fileName,
      isPublic,
      tags,
    ]
    assert.deepEqual(result.map(seen).toSorted(), [
      ['plain.txt', false, []],
      ['report.txt', true, ['daily', 'north']],
    ])
  })

  await t.test('two applications of one device are two things with one device id', async t => {
    const configDir = newDevice(t)
    const one = await connectedScene(t, cloud, { configDir, appId: 'one' })
    const two = await connectedScene(t, cloud, { configDir, appId: 'two' })
    assert.equal(one.thingKey.replace(/-one$/, ''), two.thingKey.replace(/-two$/, ''))
    await (await one.client.telemetry.publish('x', 1)).delivered()
    await (await two.client.telemetry.publish('x', 2)).delivered()
    assert.equal((await one.client.telemetry.current('x')).value, 1)
    assert.equal((await two.client.telemetry.current('x')).value, 2)
  })

  await t.test('the secret token is in no log line and no error', async t => {
    const { client, log } = await connectedScene(t, cloud, { settings: { qos_level: 0 } })
    client.setLogLevel('trace')
    await (await client.events.publish(`the token is ${cloud.token}`)).delivered()
    await client.disconnect()
    assert.match(log(), /connected/)
    assert.ok(!log().includes(cloud.token))
  })

  await t.test('an offline client takes everything and leaves nothing behind [D7]', async t => {
    const { readdirSync } = await import('node:fs')
    const { tempDir } = await import('../helpers/temp-dir.ts')
    const configDir = tempDir(t)
    const client = new Client('app', { configDir, offline: true, logger: console, settings: { log_level: 'error' } })
    await client.connect({ timeoutMs: 1 })
    const receipts = await Promise.all([
      client.telemetry.publish('t', 1),
      client.attributes.publish('a', 'x'),
      client.alarms.publish('b', 1),
      client.events.publish('e'),
      client.location.publish({ latitude: 1, longitude: 2 }),
      client.thing.update({ name: 'n' }),
      client.actions.acknowledge('unused'),
      client.actions.progress('unused', 'x'),
    ])
    await Promise.all(receipts.map(receipt => receipt.delivered()))
    await assert.rejects(client.telemetry.publish('bad name', 1), { code: 'INVALID_ARGUMENT' })
    assert.equal((await client.files.upload('/nowhere')).bytes, 0)
    for (const ask of [
      () => client.telemetry.current('t'),
      () => client.attributes.current('a'),
      () => client.diagnostics.ping(),
      () => client.diagnostics.time(),
      () => client.files.download('f', configDir),
    ])
      await assert.rejects(ask(), { code: 'NOT_CONNECTED' })
    assert.equal(client.isConnected, false)
    assert.equal(await client.disconnect({ waitForReplies: true }), true)
    assert.deepEqual(readdirSync(configDir), [])
  })
})
