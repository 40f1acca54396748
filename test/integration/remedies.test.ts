// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import type { AgentError } from '../../src/base/errors.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { namedByFileService } from '../../src/connection/tcp/named-by.ts'
import { parseAnswer } from '../../src/manager/local-api/message.ts'
import { configFolder } from '../helpers/config-folder.ts'
import { testOpener } from '../helpers/connecting.ts'
import { agentScript } from '../helpers/program.ts'
import { proxyKinds, proxyMissing, startProxy } from '../helpers/real-proxies.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { tcpServer } from '../helpers/test-servers.ts'

const timeoutMs = 20_000
/** A port on which nothing listens: below 1024, where no test ever does. */
const closedPort = 1
const proxyAt = (port: number, more: object = {}) => ({ type: 'http' as const, host: '127.0.0.1', port, ...more })

/** What a person reads who types this. */
async function typed(...words: string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [agentScript(), ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', part => (said += part))
  const code = await new Promise<number | null>(done => child.once('close', done))
  return { code, said }
}

async function failureOf(t: TestContext, proxy: ReturnType<typeof proxyAt>): Promise<AgentError> {
  const { opener } = testOpener(t, { proxy })
  const target = { host: 'cloud.example.test', port: 8883, tls: true }
  return opener.open(target, { timeoutMs }).then(
    () => assert.fail('it was opened'),
    (error: AgentError) => error,
  )
}

function device(t: TestContext, connect: object): string {
  return configFolder(t, {
    'iot-connect.cfg': { validate_cloud_cert: 'true', ...connect },
    'iot.cfg': { runtime_dir: tempDir(t) },
  })
}

test('a proxy that does not run is told as one: by a connection, and by check', async t => {
  const error = await failureOf(t, proxyAt(closedPort))
  assert.equal(error.code, 'PROXY_FAILED')
  assert.match(error.remedy, /^Check proxy\.host and proxy\.port/)
  const proxy = { type: 'HTTP', host: '127.0.0.1', port: closedPort }
  const folder = device(t, { cloud: { host: 'cloud.example.test', port: 8883, token: 'x' }, proxy })
  const { said } = await typed('check', '-c', folder)
  assert.match(said, /FAIL +proxy .*refused.*\n +Check proxy\.port and firewalls on the way\.\n/)
  assert.doesNotMatch(said, /cloud\.port/)
})

const offers = [
  {
    head: 'Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM',
    says: /asks for a login by Negotiate, NTLM \(407\)/,
  },
  { head: 'Proxy-Authenticate: Digest realm="a, b", nonce="x"', says: /asks for a login by Digest \(407\)/ },
]

for (const { head, says } of offers) {
  test(`a proxy that offers no way to log in that the agent knows: ${head.split('\r\n')[0]}`, async t => {
    const server = await tcpServer(t, socket => {
      socket.once('data', () => socket.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${head}\r\n\r\n`))
    })
    const login = { username: 'gate', password: 'secret' }
    for (const proxy of [proxyAt(server.port), proxyAt(server.port, login)]) {
      const error = await failureOf(t, proxy)
      assert.equal(error.code, 'PROXY_REFUSED')
      assert.match(error.message, says)
      assert.match(error.remedy, /^Have the proxy offer Basic/)
    }
  })
}

test('with Basic among its offers the login itself is what is wrong', async t => {
  const head = 'Proxy-Authenticate: Negotiate, Basic realm="x"'
  const server = await tcpServer(t, socket => {
    socket.once('data', () => socket.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${head}\r\n\r\n`))
  })
  assert.equal((await failureOf(t, proxyAt(server.port))).remedy, 'Set proxy.username and proxy.password.')
  const login = { username: 'gate', password: 'secret' }
  assert.equal((await failureOf(t, proxyAt(server.port, login))).remedy, 'Check proxy.username and proxy.password.')
})

for (const kind of proxyKinds.filter(({ login }) => login !== undefined)) {
  test(`${kind.name} (${kind.program}): no login, a wrong one and a server out of reach have each their own cure`, {
    skip: proxyMissing(kind),
  }, async t => {
    const { settings } = await startProxy(t, kind)
    const { username: _, password: __, ...noLogin } = settings
    const open = async (proxy: typeof settings) => {
      const { opener } = testOpener(t, { proxy })
      return opener.open({ host: kind.serverHost, port: closedPort, tls: false }, { timeoutMs }).then(
        () => assert.fail('it was opened'),
        (error: AgentError) => error,
      )
    }
    assert.match((await open(noLogin)).remedy, /^Set proxy\.username and proxy\.password/)
    assert.equal((await open({ ...settings, password: 'wrong' })).remedy, 'Check proxy.username and proxy.password.')
    assert.match((await open(settings)).remedy, /(?:the proxy can reach|proxy can reach it)/)
  })
}

test('a file service that refuses the connection is told by its own settings, also across the local socket', async t => {
  const { opener, log } = testOpener(t)
  const https = new HttpsClient({ opener, clock: systemClock, log: log.log })
  const times = { connectTimeoutMs: timeoutMs, idleTimeoutMs: timeoutMs }
  const place = { host: '127.0.0.1', port: closedPort, path: '/file/1', namedBy: namedByFileService }
  const error = await https.request({ method: 'GET', ...place, ...times }).then(
    () => assert.fail('it answered'),
    (failure: AgentError) => failure,
  )
  assert.equal(error.remedy, 'Check cloud.file_xfer_port (443 when not set) and firewalls on the way.')
  const { code, message, remedy } = error
  const told = parseAnswer(JSON.stringify({ v: 1, id: 1, ok: false, code, message, remedy }))
  assert.equal(told?.error?.remedy, remedy)
})

test('what exists already is not a matter of owner and mode', async t => {
  const folder = tempDir(t)
  const key = join(folder, 'key.pem')
  writeFileSync(key, 'ours')
  const keygen = await typed('ota', 'keygen', key)
  assert.equal(
    keygen.said,
    `device-cloud: ${key} exists already, and a key is never overwritten. Name another FILE, or move the existing one away.\n`,
  )
  const generate = await typed('config', 'generate', '-c', 'cloud.example.test', '-p', '8883', '-t', 'x', '-f', key)
  assert.match(generate.said, /exists already\. Use --force to overwrite it, or -f for another name\.\n$/)
  const inside = await typed('ota', 'keygen', join(key, 'below'))
  assert.match(inside.said, /not a folder \(ENOTDIR\)\. Check the path\.\n$/)
  const none = await typed('ota', 'keygen', join(folder, 'none', 'key'))
  assert.match(none.said, /does not exist \(ENOENT\)\. Check the path\.\n$/)
  assert.ok(!existsSync(join(folder, 'none')))
})

test('the help that a wrong command line points at is that of the command that was typed', async () => {
  const cases: readonly (readonly [words: readonly string[], help: string])[] = [
    [['publish'], 'publish'],
    [['publish', 'telemetri', 'x', '1'], 'publish'],
    [['publish', 'telemetry', 'x'], 'publish telemetry'],
    [['ota', 'keygen'], 'ota keygen'],
    [['run', '/etc/hostname'], 'run'],
    [['config', 'generate'], 'config generate'],
  ]
  for (const [words, help] of cases) {
    const { code, said } = await typed(...words)
    assert.equal(code, 2, said)
    assert.match(said, new RegExp(`See "device-cloud ${help} --help"\\.\n$`))
  }
  assert.match((await typed('nonsense')).said, /See "device-cloud --help"\.\n$/)
})
