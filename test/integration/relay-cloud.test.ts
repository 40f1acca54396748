// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { echoServer, ipv6EchoServer, readBytes, readToEnd, tcpClient } from '../helpers/tcp.ts'
import { tcpServer } from '../helpers/test-servers.ts'

test('an operator reaches services of a device, and only those that its owner lists', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const echo = await echoServer(t)
  const banner = await tcpServer(t, socket => void socket.end('SSH-2.0-banner\r\n'))
  const onlyIpv6 = await ipv6EchoServer(t)
  const secret = await echoServer(t)
  const allowed = await echoServer(t)
  const device = makeDevice(t, cloud, {
    connection: { remote_access: { allow: [`127.0.0.1:${allowed.port}`], max_sessions: 2 } },
    manager: {
      remote_access_support: [
        { name: 'Echo', port: String(echo.port), session_timeout: '60' },
        { name: 'Banner', port: banner.port },
        { name: 'Six', port: onlyIpv6.port },
        { name: 'Nobody', port: 1 },
      ],
    },
  })
  const manager = await device.start()
  const thingKey = device.thingKey
  await cloud.waitForThing(thingKey)
  const open = (params: object) => cloud.ask('relay.open', { thingKey, ...params })
  const events = async () => {
    const { result } = await cloud.ask('log.list', { thingKey })
    return result.map(({ msg }: { msg: string }) => msg).filter((msg: string) => msg.startsWith('Remote access'))
  }

  await t.test('several clients at a time, each on a channel of its own', async () => {
    const { id, port } = await open({ port: echo.port })
    const clients = await Promise.all([tcpClient(t, port), tcpClient(t, port), tcpClient(t, port)])
    const answers = clients.map(async (client, index) => {
      const sent = Buffer.alloc(300_000, `client ${index} `)
      client.write(sent)
      assert.deepEqual(await readBytes(client, sent.length), sent)
    })
    await Promise.all(answers)
    const [first, second] = clients
    first?.destroy()
    await eventually('one connection less', () => echo.sockets.size === 2)
    second?.write('still there')
    if (second) assert.equal(String(await readBytes(second, 11)), 'still there')
    const status = await device.run('status')
    assert.match(
      status.out,
      new RegExp(`remote +r1: localhost:${echo.port} \\(Echo\\) through localhost:${cloud.https}`),
    )
    await cloud.ask('relay.close', { id })
    await eventually('no connection left', () => echo.sockets.size === 0)
    const said = await eventually('the end as an event', async () => {
      const all: string[] = await events()
      return all.some(msg => msg.includes('ended')) ? all : undefined
    })
    assert.ok(said.some(msg => msg.startsWith(`Remote access r1 begins: localhost:${echo.port} (Echo)`)))
    assert.ok(said.some(msg => msg.includes('3 connections, 900011 bytes from the cloud, 900011 bytes to it')))
  })

  await t.test('one client without channels, and the session ends with it', async () => {
    const { port } = await open({ port: echo.port, multi: false })
    const client = await tcpClient(t, port)
    client.write('hello')
    assert.equal(String(await readBytes(client, 5)), 'hello')
    client.destroy()
    await eventually('the local connection ends', () => echo.sockets.size === 0)
  })

  await t.test('the first bytes of a service arrive, and its end', async () => {
    for (const params of [{ multi: false }, { multi: true }, { control: 'binary' }]) {
      const { id, port } = await open({ name: 'Banner', ...params })
      const client = await tcpClient(t, port)
      assert.equal(String(await readToEnd(client)), 'SSH-2.0-banner\r\n')
      await cloud.api('relay.close', { id })
    }
  })

  await t.test('a service that listens on IPv6 only', async () => {
    const { id, port } = await open({ port: onlyIpv6.port })
    const client = await tcpClient(t, port)
    client.write('six')
    assert.equal(String(await readBytes(client, 3)), 'six')
    await cloud.ask('relay.close', { id })
  })

  await t.test('what is not listed is refused, and told which settings decide', async () => {
    const before = secret.peers.length
    for (const host of ['localhost', '127.0.0.1', '::1', '192.0.2.7']) {
      const reply = await cloud.api('relay.open', { thingKey, host, port: secret.port })
      assert.deepEqual(reply.errorCodes, [10], host)
      assert.match(String(reply.errorMessages), /remote_access\.allow of the connection file/)
    }
    assert.equal(secret.peers.length, before)
    assert.match(manager.err, /Remote access to localhost:\d+ is not allowed: port \d+ is not in remote_access_support/)
  })

  await t.test('what remote_access.allow names is admitted under exactly that name', async () => {
    const { id, port } = await open({ host: '127.0.0.1', port: allowed.port })
    const client = await tcpClient(t, port)
    client.write('x')
    await readBytes(client, 1)
    await cloud.ask('relay.close', { id })
    assert.deepEqual((await cloud.api('relay.open', { thingKey, port: allowed.port })).errorCodes, [10])
  })

  await t.test('a service that does not listen is refused with 19 and an event', async () => {
    const reply = await cloud.api('relay.open', { thingKey, port: 1 })
    assert.deepEqual(reply.errorCodes, [19])
    assert.match(String(reply.errorMessages), /Nothing answers at localhost:1 \(Nobody\)/)
    await eventually('an event', async () => (await events()).some((msg: string) => msg.includes('refused')))
  })

  await t.test('wrong parameters are named', async () => {
    const url = 'wss://127.0.0.1:1/ws-relay/1'
    const rows: readonly (readonly [object, number, RegExp])[] = [
      [{}, 19, /needs url and host and protocol/],
      [{ url, host: 'localhost', protocol: 'ssh' }, 2, /protocol must be a port/],
      [
        { url: 'ws://127.0.0.1/', host: 'localhost', protocol: echo.port },
        2,
        /without TLS is refused.*cloud\.transport/,
      ],
      [{ url: 'nonsense', host: 'localhost', protocol: echo.port }, 2, /url is not a URL/],
      [{ url, host: 'localhost', protocol: echo.port }, 19, /^The relay cannot be reached from this device\. The log/],
    ]
    for (const [params, code, pattern] of rows) {
      const reply = await cloud.exec(thingKey, 'remote-access', params)
      assert.deepEqual(reply.errorCodes, [code], JSON.stringify(params))
      assert.match(String(reply.errorMessages), pattern)
    }
  })

  await t.test(
    'a relay that is not where the cloud is, is not dialled, and the log says which setting decides',
    async () => {
      const inner = await echoServer(t)
      const texts = new Set<string>()
      // The cloud of this test is called localhost, and a closed port sounds like an open one.
      for (const place of [
        `127.0.0.1:${inner.port}`,
        `[::ffff:127.0.0.1]:${inner.port}`,
        '2130706433:1',
        '10.0.0.1:443',
      ]) {
        const url = `wss://${place}/ws-relay/s3cret`
        const reply = await cloud.exec(thingKey, 'remote-access', { url, host: 'localhost', protocol: echo.port })
        assert.deepEqual(reply.errorCodes, [19])
        texts.add(String(reply.errorMessages))
      }
      assert.equal(texts.size, 1, [...texts].join('\n'))
      assert.deepEqual(inner.peers, [])
      const log = `${manager.out}${manager.err}`
      assert.match(log, /the relay cannot be used.*127\.0\.0\.1.*remote_access\.relay_hosts/)
      assert.ok(!log.includes('s3cret'))
    },
  )

  await t.test('a session too many is refused; the owner ends one, and all', async () => {
    const one = await open({ port: echo.port })
    const two = await open({ port: echo.port })
    const reply = await cloud.api('relay.open', { thingKey, port: echo.port })
    assert.match(
      String(reply.errorMessages),
      /2 sessions of remote access are open, and remote_access\.max_sessions is 2/,
    )
    const client = await tcpClient(t, one.port)
    client.write('x')
    await readBytes(client, 1)
    const { relays } = JSON.parse((await device.run('status', '--json')).out)
    const [first] = relays
    assert.equal(relays.length, 2)
    const gone = once(client, 'close')
    assert.equal((await device.run('relay', 'end', first.id)).out, '1 ended\n')
    await gone
    const wrong = await device.run('relay', 'end', first.id)
    assert.equal(wrong.code, 2)
    assert.match(wrong.err, /There is no session "r\d+"; open sessions: r\d+\./)
    assert.equal((await device.run('relay', 'end', 'all')).out, '1 ended\n')
    await eventually('the cloud sees the ends', async () => {
      const { sessions } = await cloud.ask('relay.list')
      return sessions.every(({ ended }: { ended?: string }) => ended !== undefined)
    })
    void two
  })

  await t.test('a session outlives the link to the cloud', async () => {
    const { id, port } = await open({ port: echo.port })
    const client = await tcpClient(t, port)
    const { reconnects } = JSON.parse((await device.run('status', '--json')).out).link
    await cloud.fault('closeConnections', { transport: 'mqtts' })
    await eventually('a new link', async () => {
      const { link } = JSON.parse((await device.run('status', '--json')).out)
      return link.reconnects > reconnects
    })
    await cloud.clearFaults()
    client.write('still here')
    assert.equal(String(await readBytes(client, 10)), 'still here')
    await cloud.ask('relay.close', { id })
  })

  await t.test('a service that the owner takes off the list is refused after SIGHUP', async () => {
    const cfg = JSON.parse(device.read('iot.cfg'))
    const remote_access_support = cfg.remote_access_support.filter(({ name }: { name: string }) => name !== 'Six')
    device.write('iot.cfg', { ...cfg, remote_access_support })
    manager.kill('SIGHUP')
    await eventually('a refusal', async () => {
      const reply = await cloud.api('relay.open', { thingKey, port: onlyIpv6.port })
      if (reply.success) await cloud.ask('relay.close', { id: reply.params.id })
      return reply.errorCodes?.[0] === 10
    })
  })

  await t.test('the URL, which lets in whoever knows it, is in no line of the log', () => {
    assert.doesNotMatch(manager.err, /ws-relay/)
  })

  await t.test('the end of the manager ends the sessions', async () => {
    const { port } = await open({ port: echo.port })
    const client = await tcpClient(t, port)
    client.write('x')
    await readBytes(client, 1)
    const gone = once(client, 'close')
    manager.kill('SIGTERM')
    await gone
    assert.equal((await manager.ended).code, 0)
    assert.equal(echo.sockets.size, 0)
  })
})
