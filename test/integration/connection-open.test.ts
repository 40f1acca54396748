// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../src/base/errors.ts'
import type { ProxySettings } from '../../src/config/settings.ts'
import type { FoundAddress } from '../../src/connection/names/name-files.ts'
import { systemNames } from '../../src/connection/names/name-look-up.ts'
import { testOpener } from '../helpers/connecting.ts'
import { eventually } from '../helpers/eventually.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { proxyKinds, proxyMissing, startProxy, watchNetwork } from '../helpers/real-proxies.ts'
import { makeAuthority } from '../helpers/test-certificates.ts'
import { tcpServer } from '../helpers/test-servers.ts'

const timeoutMs = 10_000

/** A resolver that knows one name. */
function resolver(t: TestContext, answer: Error | readonly FoundAddress[]): void {
  t.mock.method(systemNames, 'addressesOf', async () => {
    if (answer instanceof Error) throw answer
    return answer
  })
}

/** A port on which nothing listens: below 1024, where no test ever does. */
const closedPort = 1

test('a name without an address is told as such, with the name', async t => {
  resolver(t, Object.assign(new Error('getaddrinfo ENOTFOUND cloud.example.test'), { code: 'ENOTFOUND' }))
  const { opener } = testOpener(t)
  await assert.rejects(opener.open({ host: 'cloud.example.test', port: 8883, tls: true }, { timeoutMs }), {
    code: 'NAME_NOT_RESOLVED',
    message: 'cloud.example.test:8883: the name has no address (ENOTFOUND)',
  })
})

test('IPv6 and IPv4: when the first address of a name refuses, the next one is tried', async t => {
  const server = await tcpServer(t, socket => socket.end())
  resolver(t, [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ])
  const { opener } = testOpener(t)
  const socket = await opener.open({ host: 'cloud.example.test', port: server.port, tls: false }, { timeoutMs })
  assert.equal(socket.remoteAddress, '127.0.0.1')
  socket.destroy()
})

test('an address that may not be dialled is left out, and a name that has no other is refused', async t => {
  const server = await tcpServer(t, socket => socket.end())
  resolver(t, [
    { address: '::1', family: 6 },
    { address: '10.0.0.1', family: 4 },
    { address: '127.0.0.1', family: 4 },
  ])
  const { opener } = testOpener(t)
  const asked: string[] = []
  const open = (host: string, admitted: string) => {
    const refuse = (address: string) => {
      asked.push(address)
      return address === admitted ? undefined : `${address} is not allowed`
    }
    return opener.open({ host, port: server.port, tls: false }, { timeoutMs, refuse })
  }
  const socket = await open('relay.example.test', '127.0.0.1')
  assert.equal(socket.remoteAddress, '127.0.0.1')
  assert.equal(opener.addressOf('relay.example.test'), '127.0.0.1')
  socket.destroy()
  await assert.rejects(open('relay.example.test', 'none'), {
    code: 'POLICY_REFUSED',
    message: 'relay.example.test: ::1 is not allowed; 10.0.0.1 is not allowed; 127.0.0.1 is not allowed',
  })
  await assert.rejects(open('127.0.0.1', 'none'), { code: 'POLICY_REFUSED', message: '127.0.0.1 is not allowed' })
  assert.equal(server.peers.length, 1)
  assert.deepEqual(asked.slice(0, 3), ['::1', '10.0.0.1', '127.0.0.1'])
})

test('an IPv6 address is connected to, with or without the brackets of a URL', async t => {
  const server = await tcpServer(t, socket => socket.end(), '::1')
  const { opener } = testOpener(t)
  for (const host of ['::1', '[::1]']) {
    const socket = await opener.open({ host, port: server.port, tls: false }, { timeoutMs })
    assert.equal(socket.remoteAddress, '::1')
    socket.destroy()
  }
})

test('the deadline covers the TLS handshake too, says where it stood, and leaves nothing open', async t => {
  const server = await tcpServer(t, socket => socket.resume())
  const clock = new FakeClock()
  const { opener } = testOpener(t, { clock, authority: makeAuthority() })
  const opened = opener.open({ host: '127.0.0.1', port: server.port, tls: true }, { timeoutMs: 5000 })
  const refused = assert.rejects(opened, { code: 'TIMEOUT', message: /not open after 5000 ms \(TLS handshake\)/ })
  await eventually('the server is connected to', () => server.sockets.size === 1)
  await eventually('the handshake began', async () => {
    await clock.advance(0)
    const [socket] = server.sockets
    return (socket?.bytesRead ?? 0) > 0
  })
  await clock.advance(5000)
  await refused
  assert.equal(clock.timers, 0)
  await eventually('the connection is closed', () => server.sockets.size === 0)
})

test('an abort ends the opening with its reason and leaves nothing open', async t => {
  const server = await tcpServer(t, socket => socket.resume())
  const { opener } = testOpener(t, { authority: makeAuthority() })
  const controller = new AbortController()
  const opened = opener.open(
    { host: '127.0.0.1', port: server.port, tls: true },
    { timeoutMs, signal: controller.signal },
  )
  const reason = new AgentError('CLOSED', 'the client was closed')
  const refused = assert.rejects(opened, reason)
  await eventually('the server is connected to', () => server.sockets.size === 1)
  controller.abort(reason)
  await refused
  await eventually('the connection is closed', () => server.sockets.size === 0)
  await assert.rejects(
    opener.open({ host: '127.0.0.1', port: server.port, tls: false }, { timeoutMs, signal: controller.signal }),
    reason,
  )
  assert.equal(server.peers.length, 1)
})

/** A proxy that does what a test says; the returned text is what clients sent. */
async function scriptedProxy(
  t: TestContext,
  answer: (request: Buffer, socket: Socket) => void,
): Promise<{ settings: ProxySettings; requests: string[] }> {
  const requests: string[] = []
  const server = await tcpServer(t, socket =>
    socket.on('data', data => {
      requests.push(data.toString('latin1'))
      answer(data, socket)
    }),
  )
  return { settings: { type: 'http', host: '127.0.0.1', port: server.port }, requests }
}

const target = { host: 'cloud.example.test', port: 8883, tls: false }

test('CONNECT names the server, an IPv6 address in brackets, and carries any login', async t => {
  const { settings, requests } = await scriptedProxy(t, (_request, socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  const logins = [{}, { username: 'josé', password: 'p@ss:w/rd%20' }, { username: 'somebody' }]
  for (const login of logins) {
    const { opener } = testOpener(t, { proxy: { ...settings, ...login } })
    const socket = await opener.open({ ...target, host: '2001:db8::1' }, { timeoutMs })
    socket.destroy()
  }
  const head = 'CONNECT [2001:db8::1]:8883 HTTP/1.1\r\nHost: [2001:db8::1]:8883\r\n'
  const basic = (login: string) => `Proxy-Authorization: Basic ${Buffer.from(login).toString('base64')}\r\n`
  assert.deepEqual(requests, [
    `${head}\r\n`,
    `${head}${basic('josé:p@ss:w/rd%20')}\r\n`,
    `${head}${basic('somebody:')}\r\n`,
  ])
})

test('bytes of the server that come together with the answer of the proxy are not lost, however they are cut', async t => {
  const answer = 'HTTP/1.0 200 Connection established\r\nVia: test\r\n\r\nhello'
  for (const cut of [answer.length, 1, 17, answer.length - 6]) {
    const { settings } = await scriptedProxy(t, (_request, socket) => {
      socket.write(answer.slice(0, cut))
      setImmediate(() => socket.end(answer.slice(cut)))
    })
    const { opener } = testOpener(t, { proxy: settings })
    const socket = await opener.open(target, { timeoutMs })
    let heard = ''
    for await (const chunk of socket) heard += String(chunk)
    assert.equal(heard, 'hello')
  }
})

const proxyAnswers: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'asks for a login',
    'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n',
    'PROXY_REFUSED',
    /asks for a login \(407\), and proxy\.username is not set/,
  ],
  ['forbids the port', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'PROXY_REFUSED', /the proxy answered 403 Forbidden/],
  ['does not speak HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'PROXY_FAILED', /does not answer in HTTP/],
  ['greets and waits', 'SSH-2.0-OpenSSH_9.2\r\n', 'PROXY_FAILED', /does not answer in HTTP/],
  [
    'asks to wait without end',
    'HTTP/1.1 100 Continue\r\n\r\n'.repeat(5000),
    'PROXY_REFUSED',
    /the proxy answered 100 Continue/,
  ],
  ['answers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'PROXY_FAILED', /longer than 16384 bytes/],
]

for (const [scene, answer, code, says] of proxyAnswers) {
  test(`a proxy that ${scene}: ${code}`, async t => {
    const { settings } = await scriptedProxy(t, (_request, socket) => socket.write(answer))
    const { opener } = testOpener(t, { proxy: settings })
    await assert.rejects(opener.open(target, { timeoutMs }), (error: AgentError) => {
      assert.equal(error.code, code)
      assert.match(error.message, says)
      assert.ok(error.message.startsWith(`cloud.example.test:8883 via HTTP proxy 127.0.0.1:${settings.port}: `))
      return true
    })
  })
}

test('a proxy that hangs up, is not there, or has no name, is PROXY_FAILED', async t => {
  const { settings } = await scriptedProxy(t, (_request, socket) => socket.destroy())
  const { settings: brief } = await scriptedProxy(t, (_request, socket) => socket.end('HTTP/1.1 200 OK\r\n'))
  const open = (proxy: ProxySettings) => testOpener(t, { proxy }).opener.open(target, { timeoutMs })
  await assert.rejects(open(settings), { code: 'PROXY_FAILED', message: /without an answer$/ })
  await assert.rejects(open(brief), { code: 'PROXY_FAILED', message: /in the middle of its answer$/ })
  await assert.rejects(open({ ...settings, type: 'socks5' }), { code: 'PROXY_FAILED' })
  await assert.rejects(open({ ...settings, type: 'socks4' }), { code: 'PROXY_FAILED' })
  await assert.rejects(open({ ...settings, port: closedPort }), { code: 'PROXY_FAILED', message: /refused/ })
  resolver(t, Object.assign(new Error('getaddrinfo ENOTFOUND gate'), { code: 'ENOTFOUND' }))
  await assert.rejects(open({ ...settings, host: 'gate' }), {
    code: 'PROXY_FAILED',
    message: /gate:\d+: the name has no/,
  })
})

test('a SOCKS proxy that says something other than SOCKS, without end, is given up at once', async t => {
  for (const type of ['socks4', 'socks5'] as const)
    for (const flood of ['\x00', '\x05\x02', '\xff', 'HTTP/1.1 100 Continue\r\n\r\n']) {
      const { settings } = await scriptedProxy(t, (_request, socket) => {
        const send = () => {
          if (socket.destroyed) return
          if (socket.write(Buffer.from(flood.repeat(1000), 'latin1'))) setImmediate(send)
          else socket.once('drain', send)
        }
        send()
      })
      // A login makes one step more.
      const proxy = { ...settings, type, username: 'u', password: 'p' }
      const refused = (error: AgentError) => error.code === 'PROXY_FAILED' || error.code === 'PROXY_REFUSED'
      await assert.rejects(testOpener(t, { proxy }).opener.open(target, { timeoutMs }), refused, `${type} ${flood}`)
    }
})

test('a silent proxy is given up at the deadline, which says that the proxy was waited for', async t => {
  const clock = new FakeClock()
  for (const type of ['http', 'socks4', 'socks5'] as const) {
    const { settings, requests } = await scriptedProxy(t, () => {})
    const { opener } = testOpener(t, { clock, proxy: { ...settings, type } })
    const refused = assert.rejects(opener.open(target, { timeoutMs }), {
      code: 'TIMEOUT',
      message: /waiting for the proxy/,
    })
    await eventually('the proxy was asked', () => requests.length > 0)
    await clock.advance(timeoutMs)
    await refused
  }
})

test('what SOCKS cannot carry is refused before anything is sent', async t => {
  const { settings, requests } = await scriptedProxy(t, () => {})
  const socks5 = { ...settings, type: 'socks5' } as const
  const cases: readonly (readonly [ProxySettings, string, RegExp])[] = [
    [{ ...settings, type: 'socks4' }, '::1', /SOCKS4 cannot carry an IPv6 address/],
    [
      { ...socks5, username: 'u'.repeat(256), password: 'p' },
      'cloud.example.test',
      /proxy\.username is longer than 255/,
    ],
    [
      { ...socks5, username: 'u', password: 'é'.repeat(128) },
      'cloud.example.test',
      /proxy\.password is longer than 255/,
    ],
    [{ ...settings, type: 'socks4', username: 'a\0b' }, 'cloud.example.test', /proxy\.username holds a zero byte/],
  ]
  for (const [proxy, host, says] of cases) {
    const { opener } = testOpener(t, { proxy })
    await assert.rejects(opener.open({ ...target, host }, { timeoutMs }), { code: 'PROXY_FAILED', message: says })
  }
  assert.deepEqual(requests, [])
})

/** What a SOCKS4 proxy says when it has connected. */
const granted = Buffer.from([0, 0x5a, 0, 0, 0, 0, 0, 0])

test('bytes of the server that come together with the answer of a SOCKS proxy are not lost', async t => {
  const answer = Buffer.concat([granted, Buffer.from('hello')])
  for (const last of [false, true]) {
    const { settings } = await scriptedProxy(t, (_request, socket) =>
      last ? socket.end(answer) : socket.write(answer),
    )
    const { opener } = testOpener(t, { proxy: { ...settings, type: 'socks4' } })
    const socket = await opener.open(target, { timeoutMs })
    assert.equal(await firstWords(socket), 'hello', last ? 'and the server closed' : 'and the server waits')
    socket.destroy()
  }
})

test('a server that speaks and closes while the tunnel is handed over is heard', async t => {
  let turns = 0
  const { settings } = await scriptedProxy(t, (_request, socket) => {
    socket.write(granted)
    const say = (left: number) => (left === 0 ? socket.end('hello') : setImmediate(say, left - 1))
    say(turns)
  })
  const { opener } = testOpener(t, { proxy: { ...settings, type: 'socks4' } })
  for (turns = 0; turns < 6; turns++) {
    const socket = await opener.open(target, { timeoutMs })
    assert.equal(await firstWords(socket), 'hello', `${turns} turns later`)
    socket.destroy()
  }
})

/** The first piece that comes out of a socket; '' when it ends or breaks without one. */
function firstWords(socket: Socket): Promise<string> {
  return new Promise(resolve => {
    socket.once('data', chunk => resolve(String(chunk)))
    socket.once('close', () => resolve(''))
    if (socket.destroyed) resolve('')
  })
}

for (const kind of proxyKinds.filter(({ program }) => program === 'microsocks' || program === 'tinyproxy')) {
  test(`an IPv6 address goes through ${kind.name}`, { skip: proxyMissing(kind) }, async t => {
    const server = await tcpServer(t, socket => socket.end('hello'), '::1')
    const proxy = await startProxy(t, kind)
    const network = watchNetwork(t)
    const { opener } = testOpener(t, { proxy: proxy.settings })
    const socket = await opener.open({ host: '::1', port: server.port, tls: false }, { timeoutMs })
    assert.equal(await firstWords(socket), 'hello')
    socket.destroy()
    assert.ok(!network.ports.includes(server.port))
    assert.ok(proxy.carried().connections > 0)
  })
}
