// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { type ClientConfigRequest, loadClientConfig } from '../../../src/config/load.ts'
import type { ConfigProblem } from '../../../src/config/settings.ts'
import { configFolder, pythonAgentFolder } from '../../helpers/config-folder.ts'

const key = `ed25519:${Buffer.alloc(32, 1).toString('base64')}`
const otherKey = `ed25519:${Buffer.alloc(32, 2).toString('base64')}`
const cloud = { host: 'cloud.example.test', port: 8883, token: 'Tok-En-123' }

function load(configDir: string, more: Partial<ClientConfigRequest> = {}) {
  return loadClientConfig({ appId: 'iot', configDir, environment: {}, ...more })
}

async function problemsOf(work: Promise<unknown>): Promise<readonly ConfigProblem[]> {
  const error = await work.then(
    () => assert.fail('the configuration was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof AgentError)
  assert.equal(error.code, 'CONFIG_INVALID')
  assert.equal(error.exitCode, 3)
  return error.details.problems as readonly ConfigProblem[]
}

test('takes the connection file of a Python agent as it is', async t => {
  const folder = pythonAgentFolder(t)
  const { settings, warnings } = await load(folder)
  assert.deepEqual(settings, {
    cloud: {
      host: 'cloud.example.test',
      port: 8883,
      token: 'TestToken0123456',
      transport: 'mqtts',
      fileXferHost: 'files.example.test',
      fileXferPort: 8443,
    },
    proxy: { type: 'socks5', host: '10.0.0.2', port: 1080, username: 'true', password: 's3cr3t-proxy' },
    qosLevel: 1,
    validateCloudCert: true,
    keepAliveS: 0,
    logLevel: 'info',
    useSyslog: false,
    quiet: false,
    queue: { durability: 'spill', maxBytes: 16_777_216 },
    ota: { publicKeys: [], requireSignature: false, names: [] },
    remoteAccess: { allow: [], maxSessions: 4, maxChannels: 16, idleTimeoutS: 1800, maxDurationS: 43_200 },
    fileTransfer: { allow: ['/'] },
  })
  const keys = warnings.map(({ level, key }) => `${level} ${key}`)
  assert.deepEqual(keys.sort(), ['debug loop_time', 'debug thread_count', 'warn cloud.name'])
})

test('a value comes from flags before environment before file before default, and says so', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud, qos_level: 0, keep_alive: 5, log_level: 'ERROR' } })
  const { settings, origins, effective } = await load(folder, {
    environment: { DEVICE_CLOUD_KEEP_ALIVE: '7', DEVICE_CLOUD_LOG_LEVEL: 'warning' },
    settings: { log_level: 'ALL' },
  })
  assert.equal(settings.qosLevel, 0)
  assert.equal(settings.keepAliveS, 7)
  assert.equal(settings.logLevel, 'trace')
  assert.deepEqual(origins.get('qos_level'), { source: 'file', file: join(folder, 'iot-connect.cfg'), line: 7 })
  assert.deepEqual(origins.get('keep_alive'), { source: 'environment', name: 'DEVICE_CLOUD_KEEP_ALIVE' })
  assert.deepEqual(origins.get('log_level'), { source: 'given', by: 'command line' })
  assert.deepEqual(origins.get('quiet'), { source: 'default' })
  assert.deepEqual(origins.get('cloud.transport'), { source: 'derived', from: 'cloud.port' })
  assert.equal(effective.find(row => row.key === 'cloud.token')?.value, '[hidden]')
  assert.ok(!JSON.stringify(effective).includes(cloud.token))
})

test('lists in the environment are separated by commas, sections by an underscore', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud } })
  const { settings } = await load(folder, {
    environment: {
      DEVICE_CLOUD_OTA_PUBLIC_KEYS: `${key}, ${otherKey},`,
      DEVICE_CLOUD_OTA_REQUIRE_SIGNATURE: 'yes',
      DEVICE_CLOUD_QUEUE_DURABILITY: 'always',
      DEVICE_CLOUD_QUIET: '',
    },
  })
  assert.deepEqual(settings.ota, { publicKeys: [key, otherKey], requireSignature: true, names: [] })
  assert.equal(settings.queue.durability, 'always')
  assert.equal(settings.quiet, false)
})

for (const [port, transport] of [
  [443, 'wss'],
  [8883, 'mqtts'],
  [1883, 'mqtt'],
] as const) {
  test(`port ${port} means ${transport}`, async t => {
    const folder = configFolder(t, { 'iot-connect.cfg': { cloud: { ...cloud, port } } })
    assert.equal((await load(folder)).settings.cloud.transport, transport)
  })
}

test('any other port must say its transport, because TLS is never guessed away', async t => {
  const other = { ...cloud, port: 18883 }
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud: other } })
  const [problem, ...more] = await problemsOf(load(folder))
  assert.equal(more.length, 0)
  assert.equal(problem?.key, 'cloud.transport')
  assert.equal(problem?.line, 4)
  assert.match(problem?.problem ?? '', /port 18883 does not say whether to use TLS/)
  const { settings } = await load(folder, { environment: { DEVICE_CLOUD_CLOUD_TRANSPORT: 'MQTTS' } })
  assert.equal(settings.cloud.transport, 'mqtts')
})

test('every mistake is told at once, with file, line and what was expected, and no secret', async t => {
  const text = `{
  "cloud": { "host": "https://user:hunter2@cloud", "port": "99999",
    "token": ["Tok-En-123"] },
  "proxy": { "type": "SQUID", "host": "p",
    "password": {"a": "hunter2"} },
  "qos_level": 2,
  "validate_cloud_cert": "no",
  "queue": { "durability": "sometimes", "max_bytes": 1.5 },
  "remote_access": "all"
}`
  const folder = configFolder(t, { 'iot-connect.cfg': text })
  const work = load(folder)
  const problems = await problemsOf(work)
  assert.deepEqual(
    problems.map(({ line, key }) => `${line} ${key}`),
    [
      '2 cloud.host',
      '2 cloud.port',
      '3 cloud.token',
      '4 proxy.type',
      '5 proxy.password',
      '6 qos_level',
      '7 validate_cloud_cert',
      '8 queue.durability',
      '8 queue.max_bytes',
      '4 proxy.port',
      '9 remote_access',
    ],
  )
  assert.ok(problems.every(problem => problem.file === join(folder, 'iot-connect.cfg') && problem.remedy !== ''))
  assert.equal(problems[7]?.expected, 'one of spill, always, memory')
  const told = await work.catch((error: AgentError) => `${error.message}${JSON.stringify(error.details)}${error.stack}`)
  assert.doesNotMatch(String(told), /hunter2|Tok-En/)
})

test('remote_access.allow takes HOST:PORT, and nothing that would silently admit nobody or everybody', async t => {
  const good = ['plc.local:502', '[fd00::7]:22', '10.0.0.7:80']
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud, remote_access: { allow: good } } })
  assert.deepEqual((await load(folder)).settings.remoteAccess.allow, good)
  for (const wrong of [
    'plc.local',
    '*:22',
    'plc.local:0',
    'plc.local:65536',
    'tcp://plc:22',
    'fd00::7:22',
    ':22',
    '',
  ]) {
    const bad = configFolder(t, { 'iot-connect.cfg': { cloud, remote_access: { allow: [wrong] } } })
    const { settings, closures } = await load(bad)
    assert.deepEqual(settings.remoteAccess.allow, [])
    assert.deepEqual(
      closures.map(({ capability, problem }) => [capability, problem.key]),
      [['remote_access', 'remote_access.allow']],
      wrong,
    )
    assert.match(closures[0]?.problem.expected ?? '', /HOST:PORT/)
  }
})

test('remote_access.relay_hosts takes names, addresses and *.DOMAIN, and is not the same empty as absent', async t => {
  const of = (relay_hosts: unknown) =>
    load(configFolder(t, { 'iot-connect.cfg': { cloud, remote_access: { relay_hosts } } }))
  const good = ['relay.example.com', '*.r.example.com', '10.0.0.5', 'fd00::7', 'box']
  assert.deepEqual((await of(good)).settings.remoteAccess.relayHosts, good)
  assert.deepEqual((await of([])).settings.remoteAccess.relayHosts, [])
  const absent = configFolder(t, { 'iot-connect.cfg': { cloud } })
  assert.equal((await load(absent)).settings.remoteAccess.relayHosts, undefined)
  for (const wrong of ['*', '*.com', '*.', '*.*.example.com', '*.10.0.0.0', 'h:443', 'wss://h', 'a b', '', null, 7]) {
    const { settings, closures } = await of([wrong])
    assert.deepEqual(settings.remoteAccess.relayHosts, [], String(wrong))
    assert.deepEqual(
      closures.map(({ capability, problem }) => [capability, problem.key]),
      [['remote_access', 'remote_access.relay_hosts']],
    )
  }
})

test('cloud.tls is modern or compatible; absent, it is undecided', async t => {
  const of = (more: object) => load(configFolder(t, { 'iot-connect.cfg': { cloud: { ...cloud, ...more } } }))
  assert.equal((await of({ tls: 'Modern' })).settings.cloud.tls, 'modern')
  assert.equal((await of({ tls: 'compatible' })).settings.cloud.tls, 'compatible')
  assert.equal('tls' in (await of({})).settings.cloud, false)
  for (const wrong of ['any', 'legacy', true]) {
    const [problem] = await problemsOf(of({ tls: wrong }))
    assert.equal(problem?.key, 'cloud.tls', String(wrong))
  }
})

test('a file that is not JSON is told with line and column, without quoting it', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': '{\n  "cloud": { "token": "Tok-En-123" "port": 1 }\n}' })
  const [problem, ...more] = await problemsOf(load(folder))
  assert.equal(more.length, 0)
  assert.equal(`${problem?.line}:${problem?.column}`, '2:36')
  assert.doesNotMatch(JSON.stringify(problem), /Tok-En/)
})

test('a missing file names its path and the command that makes one', async t => {
  const folder = configFolder(t, {})
  const [problem] = await problemsOf(load(folder))
  assert.equal(problem?.file, join(folder, 'iot-connect.cfg'))
  assert.match(problem?.remedy ?? '', /device-cloud config generate/)
})

test('without a file the environment alone is enough, but not when the file was named', async t => {
  const folder = configFolder(t, {})
  const environment = {
    DEVICE_CLOUD_CLOUD_HOST: '[::1]',
    DEVICE_CLOUD_CLOUD_PORT: '443',
    DEVICE_CLOUD_CLOUD_TOKEN: 'true',
  }
  const { settings } = await load(folder, { environment })
  assert.deepEqual(settings.cloud, { host: '::1', port: 443, token: 'true', transport: 'wss' })
  await problemsOf(load(folder, { environment, configFile: 'other.cfg' }))
})

test('offline, the cloud section may be missing', async t => {
  const { settings } = await load(configFolder(t, {}), { offline: true })
  assert.equal(settings.cloud.host, '')
})

test('a number is a text setting as it stands there, and a number setting however it is written', async t => {
  const text =
    '{"cloud":{"host":"h","port":8883.0,"token":89014103211118510720},"proxy":{"type":"HTTP","host":"p","port":3.128e3,"username":"u","password":1.10}}'
  const { settings } = await load(configFolder(t, { 'iot-connect.cfg': text }))
  assert.equal(settings.cloud?.token, '89014103211118510720')
  assert.equal(settings.cloud?.port, 8883)
  assert.deepEqual([settings.proxy?.port, settings.proxy?.password], [3128, '1.10'])
  const wrong = text.replace('8883.0', '9007199254740993')
  const [problem] = await problemsOf(load(configFolder(t, { 'iot-connect.cfg': wrong })))
  assert.match(JSON.stringify(problem), /cloud\.port.*9007199254740993/)
})

test('null and empty text mean not set; an empty proxy section means no proxy', async t => {
  const proxy = { type: '', host: null }
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud, proxy, log_file: '', ca_bundle_file: null } })
  const { settings } = await load(folder)
  assert.equal('proxy' in settings, false)
  assert.equal('logFile' in settings, false)
  assert.equal('caBundleFile' in settings, false)
})

test('half a proxy is a mistake, never no proxy', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud, proxy: { host: 'p', port: 3128 } } })
  const problems = await problemsOf(load(folder))
  assert.deepEqual(
    problems.map(problem => problem.key),
    ['proxy.type'],
  )
})

for (const [written, type] of [
  ['HTTP', 'http'],
  ['Socks4', 'socks4'],
  ['SOCKS4A', 'socks4'],
  ['socks5', 'socks5'],
] as const) {
  test(`proxy type ${written} is ${type}`, async t => {
    const proxy = { type: written, host: 'p', port: 1 }
    const folder = configFolder(t, { 'iot-connect.cfg': { cloud, proxy } })
    assert.equal((await load(folder)).settings.proxy?.type, type)
  })
}

for (const [written, level] of [
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARNING', 'warn'],
  ['ERROR', 'error'],
  ['CRITICAL', 'error'],
  ['ALL', 'trace'],
] as const) {
  test(`log level ${written} of Python is ${level}`, async t => {
    const folder = configFolder(t, { 'iot-connect.cfg': { cloud, log_level: written } })
    assert.equal((await load(folder)).settings.logLevel, level)
  })
}

test('an unknown key is a warning that says what was meant', async t => {
  const file = { cloud: { ...cloud, file_xfer_hots: 'x' }, valdiate_cloud_cert: false, host: 'x', zebra: 'red' }
  const folder = configFolder(t, { 'iot-connect.cfg': file })
  const { warnings } = await load(folder, { environment: { DEVICE_CLOUD_CA_BUNDLE_FIEL: 'x', DEVICE_CLOUD_X: 'x' } })
  assert.deepEqual(
    warnings.map(({ level, line, key, didYouMean }) => [level, line, key, didYouMean]),
    [
      ['warn', undefined, 'DEVICE_CLOUD_CA_BUNDLE_FIEL', 'DEVICE_CLOUD_CA_BUNDLE_FILE'],
      ['warn', 6, 'cloud.file_xfer_hots', 'cloud.file_xfer_host'],
      ['warn', 8, 'valdiate_cloud_cert', 'validate_cloud_cert'],
      ['warn', 9, 'host', 'cloud.host'],
      ['warn', 10, 'zebra', undefined],
    ],
  )
})

test('services of remote access in the environment are told to have no effect', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud } })
  const { warnings } = await load(folder, { environment: { DEVICE_CLOUD_REMOTE_ACCESS_SUPPORT: '[]' } })
  assert.equal(warnings[0]?.key, 'DEVICE_CLOUD_REMOTE_ACCESS_SUPPORT')
  assert.equal(warnings[0]?.remedy, 'Write remote_access_support in iot.cfg.')
})

test('paths in the file start at its folder, paths in the environment at the current one', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud, ca_bundle_file: 'ca.pem', log_file: '/var/log/a' } })
  const { settings } = await load(folder, { environment: { DEVICE_CLOUD_QUEUE_DIRECTORY: 'queue' } })
  assert.equal(settings.caBundleFile, join(folder, 'ca.pem'))
  assert.equal(settings.logFile, '/var/log/a')
  assert.equal(settings.queue.directory, join(process.cwd(), 'queue'))
})

test('a connection file that others can read gets a warning with the remedy', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': { cloud } })
  const path = join(folder, 'iot-connect.cfg')
  assert.deepEqual((await load(folder)).warnings, [])
  chmodSync(path, 0o744)
  const { warnings } = await load(folder)
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]?.problem ?? '', /mode 0744/)
  assert.equal(warnings[0]?.remedy, `Run: chmod 600 ${path}`)
})

test('no TLS and an unchecked certificate get a warning at every start', async t => {
  const file = { cloud: { ...cloud, port: 1883 }, validate_cloud_cert: 'FALSE' }
  const { settings, warnings } = await load(configFolder(t, { 'iot-connect.cfg': file }))
  assert.equal(settings.validateCloudCert, false)
  assert.deepEqual(
    warnings.map(({ key }) => key),
    ['cloud.transport', 'validate_cloud_cert'],
  )
})

test('a file larger than 1 MiB, or a folder in its place, is a mistake', async t => {
  const folder = configFolder(t, { 'iot-connect.cfg': `{"a": "${'x'.repeat(1024 * 1024)}"}` })
  assert.match((await problemsOf(load(folder)))[0]?.problem ?? '', /larger than 1048576 bytes/)
  assert.match((await problemsOf(load(folder, { configFile: '.' })))[0]?.problem ?? '', /not a regular file/)
})

test('a byte order mark and Windows line ends do no harm', async t => {
  const text = `\ufeff{\r\n  "cloud": {"host": "h", "port": 8883, "token": "t"},\r\n  "qos_level": 9\r\n}\r\n`
  const folder = configFolder(t, { 'iot-connect.cfg': text })
  assert.equal((await problemsOf(load(folder)))[0]?.line, 3)
})
