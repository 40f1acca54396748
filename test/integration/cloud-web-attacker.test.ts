// SPDX-License-Identifier: Apache-2.0
/** Any web page that a browser on this machine shows is the attacker: what it can have the browser send, the local cloud refuses. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { generate } from 'mqtt-packet'
import type { RouteRules } from '../../src/cloud/http/route.ts'
import { requestRoutes, upgradeRoutes } from '../../src/cloud/http/routes.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { http, type PlainDevice, plainDevice } from '../helpers/plain-device.ts'
import { type RawAnswer, type RawRequest, rawRequest, upgradeHeaders } from '../helpers/raw-request.ts'
import { readToEnd } from '../helpers/tcp.ts'

type Headers = readonly (readonly [name: string, value: string])[]

interface Scene {
  readonly cloud: LocalCloud
  readonly device: PlainDevice
  /** An action that must not reach the device, with the login that an attacker may have learned. */
  readonly order: string
  send(request: RawRequest): Promise<RawAnswer>
}

async function scene(t: TestContext, args: readonly string[] = []): Promise<Scene> {
  const cloud = await startCloud(t, { args })
  const device = await plainDevice(t, cloud, 'dev-1')
  await cloud.waitForThing('dev-1')
  const auth = { command: 'api.authenticate', params: { username: cloud.user, password: cloud.password } }
  const cmd = {
    command: 'mailbox.send',
    params: { thingKey: 'dev-1', command: 'method.exec', params: { method: 'quit' } },
  }
  return { cloud, device, order: JSON.stringify({ auth, cmd }), send: request => rawRequest(cloud, request) }
}

/** What every refusal has, and that it lets no page read it. */
function assertRefused(answer: RawAnswer, statuses: readonly number[], what: string): void {
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.body}`)
  for (const name of Object.keys(answer.headers)) assert.ok(!name.startsWith('access-control-'), `${what}: ${name}`)
}

/** The device was sent nothing: no attack came as far as the commands. */
async function assertNoMail({ cloud }: Scene): Promise<void> {
  assert.deepEqual((await cloud.ask('mailbox.list', { thingKey: 'dev-1' })).result, [])
}

/** A request that each method of each route would serve. A new route needs a line here: then all below holds for it too. */
interface Door {
  readonly name: string
  readonly rules: RouteRules
  readonly request: RawRequest & { readonly headers: Headers }
  readonly good: number
}

async function* doorsOf(one: Scene): AsyncGenerator<Door> {
  const { cloud, device, order } = one
  const fileId = async (command: string) => {
    const { params } = await device.command(command, { fileName: 'a.txt' })
    return `/file/${params.fileId}`
  }
  await http(cloud, 'POST', await fileId('file.put'), { body: 'hello' })
  const targets: Readonly<Record<string, (method: string) => Promise<string> | string>> = {
    '/': () => '/',
    '/console.js': () => '/console.js',
    '/console.css': () => '/console.css',
    '/api': () => '/api?x=1',
    '/file/:id': method => fileId(method === 'POST' ? 'file.put' : 'file.get'),
    '/mqtt': () => '/mqtt',
    '/mqtt-ssl': () => '/mqtt-ssl',
    // In time: its session waits for its device only for so long.
    '/ws-relay/:id': () => relayPath(one),
  }
  for (const [routes, isUpgrade] of [
    [requestRoutes, false],
    [upgradeRoutes, true],
  ] as const) {
    for (const rules of routes) {
      for (const method of rules.methods) {
        const target = await targets[rules.path]?.(method)
        assert.ok(target !== undefined, `tell this test a path that ${rules.path} serves`)
        const body = rules.body === 'json' ? { body: order } : method === 'POST' ? { body: 'content' } : {}
        const headers: Headers = isUpgrade
          ? upgradeHeaders
          : rules.body === 'json'
            ? [['Content-Type', 'application/json']]
            : []
        const good = isUpgrade ? 101 : 200
        yield { name: `${method} ${rules.path}`, rules, request: { method, target, headers, ...body }, good }
      }
    }
  }
}

/** Orders a relay session whose device does not come, for the path that it would come by. */
async function relayPath({ cloud, device }: Scene): Promise<string> {
  // It fails in the end, or with the cloud.
  void cloud.api('relay.open', { thingKey: 'dev-1', port: 22 }).catch(() => {})
  await device.json('notify/mailbox_activity')
  const { params } = await device.command('mailbox.check', {})
  const [message] = params.messages
  await device.command('mailbox.ack', { id: message.id })
  await cloud.ask('mailbox.delete', { id: message.id })
  return new URL(message.params.params.url).pathname
}

function foreignHosts(port: number): readonly Headers[] {
  const hosts = [
    'evil.test',
    `evil.test:${port}`,
    `localhost.evil.test:${port}`,
    `127.0.0.1.evil.test:${port}`,
    `evil-localhost:${port}`,
    `xlocalhost:${port}`,
    `localhost:${port}@evil.test`,
    `localhost, evil.test`,
    `0.0.0.0:${port}`,
    `[::]:${port}`,
    `[::2]:${port}`,
    `10.0.0.1:${port}`,
    '2130706433',
    '127.1',
    'localhost:port',
    'localhost/',
    '[localhost]',
    '',
  ]
  return [
    [],
    ...hosts.map(host => [['Host', host]] as const),
    [
      ['Host', `localhost:${port}`],
      ['Host', 'evil.test'],
    ],
    // What the browser itself takes for the same origin, after the name was made to point here.
    [
      ['Host', `evil.test:${port}`],
      ['Origin', `https://evil.test:${port}`],
      ['Sec-Fetch-Site', 'same-origin'],
    ],
  ]
}

function foreignPages(port: number): readonly Headers[] {
  const origins = [
    'https://evil.test',
    `https://evil.test:${port}`,
    'null',
    '',
    `https://localhost:${port}.evil.test`,
    `https://localhost:${port}@evil.test`,
    `https://evil.test/https://localhost:${port}`,
    `https://localhost.evil.test:${port}`,
    'file://',
    'chrome-extension://abcdefghijklmnop',
  ]
  const sites = ['cross-site', 'same-site', 'other', 'same-origin, cross-site']
  return [
    ...origins.map(origin => [['Origin', origin]] as const),
    [
      ['Origin', `https://localhost:${port}`],
      ['Origin', 'https://evil.test'],
    ],
    ...sites.flatMap((site): readonly Headers[] => [
      [['Sec-Fetch-Site', site]],
      ...(['no-cors', 'cors', 'websocket'] as const).map(
        mode =>
          [
            ['Sec-Fetch-Site', site],
            ['Sec-Fetch-Mode', mode],
            ['Sec-Fetch-Dest', 'empty'],
          ] as const,
      ),
      ...(['iframe', 'embed', 'object', 'image', 'script'] as const).map(
        dest =>
          [
            ['Sec-Fetch-Site', site],
            ['Sec-Fetch-Mode', 'navigate'],
            ['Sec-Fetch-Dest', dest],
          ] as const,
      ),
      [
        ['Sec-Fetch-Site', site],
        ['Sec-Fetch-Mode', 'navigate'],
        ['Sec-Fetch-Dest', 'document'],
        ['Origin', 'null'],
      ],
    ]),
  ]
}

/** Any Origin but the page's own server: refused on all routes but on those that take the Origin of old agents. */
function nearPages(port: number): readonly Headers[] {
  return [`http://localhost:${port}`, `https://localhost:${port + 1}`, 'https://localhost', `http://localhost`].map(
    origin => [['Origin', origin]],
  )
}

const linkFrom = (site: string): Headers => [
  ['Sec-Fetch-Site', site],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
]

test('no route and no upgrade serves a foreign name, a foreign page, or a request without Host', async t => {
  const one = await scene(t)
  const { cloud, send } = one
  const port = cloud.https
  const own: Headers = [['Host', `localhost:${port}`]]
  for await (const { name, rules, request, good } of doorsOf(one)) {
    const attack = async (headers: Headers, statuses: readonly number[], more: Partial<RawRequest> = {}) =>
      assertRefused(
        await send({ ...request, ...more, headers: [...headers, ...request.headers] }),
        statuses,
        `${name} ${JSON.stringify(headers)} ${JSON.stringify(more)}`,
      )
    for (const headers of foreignHosts(port)) await attack(headers, [400, 421])
    await attack([], [400], { version: '1.0' })
    await attack(own, [400], { target: `https://evil.test${request.target}` })
    await attack(own, [400], { target: `https://localhost:${port}${request.target}` })
    if (request.target !== '/') await attack(own, [404], { target: `//evil.test${request.target}` })
    for (const headers of foreignPages(port)) await attack([...own, ...headers], [403])
    if (rules.takesLooseOrigin !== true)
      for (const headers of nearPages(port)) await attack([...own, ...headers], [403])
    // By a link on another page only the page itself opens.
    for (const site of ['cross-site', 'same-site'])
      if (rules.isLinkable !== true) await attack([...own, ...linkFrom(site)], [403])
    for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE']) await attack(own, [405], { method })
    // Nothing of that has used the door up: it still opens to whom it should.
    if (rules.body !== 'json')
      assert.equal((await send({ ...request, headers: [...own, ...request.headers] })).status, good, name)
  }
  await assertNoMail(one)
})

test('a path without a route is checked by the same rules', async t => {
  const { cloud, send } = await scene(t)
  const own: Headers = [['Host', `localhost:${cloud.https}`]]
  for (const headers of [[], upgradeHeaders]) {
    const status = async (more: Headers) => (await send({ target: '/nothing', headers: [...more, ...headers] })).status
    assert.equal(await status([['Host', 'evil.test']]), 421)
    assert.equal(await status([...own, ['Origin', 'https://evil.test']]), 403)
    assert.equal(await status([...own, ['Sec-Fetch-Site', 'cross-site']]), 403)
    assert.equal(await status(own), 404)
  }
})

test('types that a page can send without a preflight are refused: forms, text, none', async t => {
  const one = await scene(t)
  const { cloud, send, order } = one
  const own: Headers = [['Host', `localhost:${cloud.https}`]]
  const types = [
    'text/plain',
    'text/plain;charset=UTF-8',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-seq',
    'application/json, text/plain',
    'application/jsonp',
    'x-application/json',
  ]
  for (const type of types) {
    const answer = await send({
      method: 'POST',
      target: '/api',
      headers: [...own, ['Content-Type', type]],
      body: order,
    })
    assertRefused(answer, [415], type)
    assert.match(answer.body, /Content-Type must be application\/json .*--json/)
  }
  const twice: Headers = [
    ['Content-Type', 'application/json'],
    ['Content-Type', 'text/plain'],
  ]
  assertRefused(
    await send({ method: 'POST', target: '/api', headers: [...own, ...twice], body: order }),
    [415],
    'two types',
  )
  // Only a program says nothing of the kind: a browser adds where the request is from.
  for (const browser of [
    ['Origin', `https://localhost:${cloud.https}`],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Sec-Fetch-Site', 'none'],
  ] as const)
    for (const type of [[], [['Content-Type', '']]] as const)
      assertRefused(
        await send({ method: 'POST', target: '/api', headers: [...own, browser, ...type], body: order }),
        [415],
        String(browser),
      )
  await assertNoMail(one)
  // The same order of a program arrives, so that the proof above is one.
  const said: Headers = [...own, ['Content-Type', 'application/json']]
  assert.equal((await send({ method: 'POST', target: '/api', headers: said, body: order })).status, 200)
  assert.equal((await cloud.ask('mailbox.list', { thingKey: 'dev-1' })).result.length, 1)
})

test('a preflight never gets a permission', async t => {
  const { cloud, send } = await scene(t)
  const asks: Headers = [
    ['Access-Control-Request-Method', 'POST'],
    ['Access-Control-Request-Headers', 'content-type,sessionid'],
    ['Access-Control-Request-Private-Network', 'true'],
  ]
  for (const origin of ['https://evil.test', 'null', `https://localhost:${cloud.https}`])
    for (const target of ['/api', '/file/abc', '/', '*']) {
      const headers: Headers = [['Host', `localhost:${cloud.https}`], ['Origin', origin], ...asks]
      assertRefused(await send({ method: 'OPTIONS', target, headers }), [400, 403, 405], `${origin} ${target}`)
    }
})

test('the console works in a browser, also by a link on a foreign page, and never in a frame', async t => {
  const { cloud, send } = await scene(t)
  const port = cloud.https
  const fetched = (site: string, mode: string, dest: string): Headers => [
    ['Sec-Fetch-Site', site],
    ['Sec-Fetch-Mode', mode],
    ['Sec-Fetch-Dest', dest],
  ]
  for (const host of [
    `localhost:${port}`,
    `127.0.0.1:${port}`,
    `127.9.9.9:${port}`,
    `[::1]:${port}`,
    `a.localhost:${port}`,
    `LocalHost.:${port}`,
    'localhost:443',
    'localhost',
  ]) {
    const get = (target: string, headers: Headers) => send({ target, headers: [['Host', host], ...headers] })
    for (const site of ['none', 'cross-site', 'same-site', 'same-origin']) {
      const page = await get('/', fetched(site, 'navigate', 'document'))
      assert.equal(page.status, 200, `${host} ${site}`)
      assert.equal(page.headers['x-frame-options'], 'DENY')
      assert.match(
        String(page.headers['content-security-policy']),
        /frame-ancestors 'none'.*require-trusted-types-for 'script'/,
      )
      assert.equal(page.headers['x-content-type-options'], 'nosniff')
      assert.equal(page.headers['referrer-policy'], 'no-referrer')
    }
    assert.equal((await get('/console.js', fetched('same-origin', 'no-cors', 'script'))).status, 200)
    assert.equal((await get('/console.css', fetched('same-origin', 'no-cors', 'style'))).status, 200)
    const params = { username: cloud.user, password: cloud.password }
    const asked = {
      method: 'POST',
      target: '/api',
      headers: [
        ['Host', host],
        ['Origin', new URL(`https://${host}`).origin],
        ...fetched('same-origin', 'cors', 'empty'),
        ['Content-Type', 'application/json'],
      ],
      body: JSON.stringify({ cmd: { command: 'api.authenticate', params } }),
    } as const
    const answer = await send(asked)
    assert.equal(answer.status, 200, `${host}: ${answer.body}`)
    assert.match(answer.body, /"sessionId"/)
  }
  assert.match(readFileSync('src/cloud/http/console/page.js', 'utf8'), /'Content-Type': 'application\/json'/)
})

test("programs pass: the predecessor's scripts and agent, requests, curl, and this agent's own forms", async t => {
  const one = await scene(t)
  const { cloud, send, device } = one
  const port = cloud.https
  const params = { username: cloud.user, password: cloud.password }
  const command = JSON.stringify({ auth: { command: 'api.authenticate', params } })
  const programs: readonly Headers[] = [
    // validate_script.py, and requests with data= [TR50 8.1].
    [
      ['Host', 'localhost'],
      ['User-Agent', 'python-requests/2.18.4'],
      ['Accept-Encoding', 'gzip, deflate'],
      ['Accept', '*/*'],
    ],
    [
      ['Host', `127.0.0.1:${port}`],
      ['Content-Type', 'application/json'],
    ],
    [
      ['Host', `localhost:${port}`],
      ['User-Agent', 'curl/8.5.0'],
      ['Accept', 'application/json'],
      ['Content-Type', 'application/json'],
    ],
    [
      ['Host', `localhost:${port}`],
      ['Content-Type', 'Application/JSON;charset=utf-8'],
    ],
    [
      ['Host', `localhost:${port}`],
      ['Content-Type', 'application/vnd.device+json ; charset="utf-8"'],
    ],
  ]
  for (const headers of programs) {
    const answer = await send({ method: 'POST', target: '/api', headers, body: command })
    assert.deepEqual([answer.status, answer.body.includes('"success":true')], [200, true], JSON.stringify(headers))
  }
  for (const type of [undefined, 'application/octet-stream', 'text/html', 'multipart/form-data; boundary=x']) {
    const { params } = await device.command('file.put', { fileName: 'b' })
    const headers: Headers = [['Host', 'localhost'], ...(type === undefined ? [] : ([['Content-Type', type]] as const))]
    const answer = await send({ method: 'POST', target: `/file/${params.fileId}`, headers, body: 'x' })
    assert.equal(answer.status, 200, type)
  }
  // paho says the port also where it is that of https [TR50 1.1].
  for (const authority of ['localhost:443', `localhost:${port}`, `127.0.0.1:${port}`]) {
    const paho: Headers = [
      ['Host', authority],
      ['Origin', `https://${authority}`],
      ['Sec-Websocket-Protocol', 'mqtt'],
    ]
    assert.equal((await send({ target: '/mqtt', headers: [...paho, ...upgradeHeaders] })).status, 101, authority)
  }
  const path = await relayPath(one)
  // websocket-client says http: for all, and the C agent only the host [TR50 6.2]. The path lets in once.
  const relayed = async (origin: string, host: string) =>
    (await send({ target: path, headers: [['Host', host], ['Origin', origin], ...upgradeHeaders] })).status
  assert.equal(await relayed('http://evil.test', 'localhost'), 403)
  assert.equal(await relayed(`http://localhost:${port}`, `localhost:${port}`), 101)
  for (const [origin, host] of [
    ['http://localhost', 'localhost'],
    ['localhost', `localhost:${port}`],
  ] as const)
    assert.equal(await relayed(origin, host), 409, 'it passes, and the path is used up')
})

test('--name lets in one more name, with a certificate for it, and no other', async t => {
  const { cloud, send } = await scene(t, ['--name', 'Box.Test', '--name', '10.0.2.2'])
  const status = async (host: string, origin?: string) =>
    (
      await send({
        target: '/',
        headers: [['Host', host], ...(origin === undefined ? [] : ([['Origin', origin]] as const))],
      })
    ).status
  for (const host of ['box.test', `BOX.test:${cloud.https}`, '10.0.2.2', 'box.test.'])
    assert.equal(await status(host), 200, host)
  assert.equal(await status('box.test', 'https://box.test'), 200)
  assert.equal(await status('box.test', 'https://localhost'), 403)
  for (const host of ['a.box.test', 'box.test.evil.test', '10.0.2.3']) assert.equal(await status(host), 421, host)
  const refusal = await send({ target: '/', headers: [['Host', 'other.test:8443']] })
  assert.match(refusal.body, /not known as other\.test\..* with --name other\.test /)
  const socket = connectTls({
    host: '127.0.0.1',
    port: cloud.https,
    ca: readFileSync(cloud.ca),
    servername: 'box.test',
  })
  await once(socket, 'secureConnect')
  assert.match(socket.getPeerCertificate().subjectaltname ?? '', /DNS:box\.test.*IP Address:10\.0\.2\.2/)
  socket.destroy()
})

test('a browser never shows a file of a device as a page of the cloud', async t => {
  const { cloud, device } = await scene(t)
  const put = await device.command('file.put', { fileName: 'index.html' })
  await http(cloud, 'POST', `/file/${put.params.fileId}`, {
    body: '<script>alert(1)</script>',
    headers: { 'Content-Type': 'text/html' },
  })
  const got = await device.command('file.get', { fileName: 'index.html' })
  const { headers, body } = await http(cloud, 'GET', `/file/${got.params.fileId}`)
  assert.equal(body.toString(), '<script>alert(1)</script>')
  assert.equal(headers['content-type'], 'application/octet-stream')
  assert.equal(headers['content-disposition'], 'attachment')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.match(String(headers['content-security-policy']), /default-src 'none'.*sandbox/)
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
})

test('a form that a page sends to an MQTT port is no MQTT: the connection ends and nothing is registered', async t => {
  const { cloud } = await scene(t)
  const login = { clientId: 'evil', username: 'evil', password: Buffer.from(cloud.token) }
  const packet = generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    ...login,
  })
  for (const method of ['POST', 'GET', 'PUT', 'OPTIONS', 'HEAD']) {
    const head = `${method} / HTTP/1.1\r\nHost: 127.0.0.1:${cloud.mqtt}\r\nContent-Length: ${packet.length}\r\n\r\n`
    const plain = connect(cloud.mqtt, '127.0.0.1')
    const secure = connectTls({ host: '127.0.0.1', port: cloud.mqtts, ca: readFileSync(cloud.ca) })
    for (const socket of [plain, secure]) {
      socket.on('error', () => {})
      socket.write(Buffer.concat([Buffer.from(head), packet]))
      assert.equal((await readToEnd(socket)).length, 0, method)
    }
  }
  assert.equal((await cloud.api('thing.find', { key: 'evil' })).success, false)
})
