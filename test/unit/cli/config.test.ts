// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { command as checkCommand } from '../../../src/cli/commands/config-check.ts'
import { command as generateCommand } from '../../../src/cli/commands/config-generate.ts'
import { command as showCommand } from '../../../src/cli/commands/config-show.ts'
import { checkConfig } from '../../../src/cli/config/check-config.ts'
import { type ConfigIo, targetIn } from '../../../src/cli/config/config-io.ts'
import { generateConfig } from '../../../src/cli/config/generate-config.ts'
import { showConfig } from '../../../src/cli/config/show-config.ts'
import type { Command, Invocation } from '../../../src/cli/shell/command.ts'
import { parseInvocation } from '../../../src/cli/shell/flags.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { configFolder, pythonAgentFolder } from '../../helpers/config-folder.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const secret = 'Tok-En-123'

/** A person (answers in order) or no terminal, and everything that was shown. */
function terminal(answers?: readonly string[], environment: ConfigIo['environment'] = {}) {
  const out: string[] = []
  const err: string[] = []
  const questions: { question: string; hidden: boolean }[] = []
  const left = [...(answers ?? [])]
  const ask: ConfigIo['ask'] = async (question, { hidden }) => {
    questions.push({ question, hidden })
    const answer = left.shift()
    assert.notEqual(answer, undefined, `no answer prepared for: ${question}`)
    return answer ?? ''
  }
  const io: ConfigIo = {
    out: line => out.push(line),
    err: line => err.push(line),
    ...(answers === undefined ? {} : { ask }),
    environment,
  }
  return { io, out, err, questions, unanswered: left, said: () => JSON.stringify([out, err, questions]) }
}

type Flags = Readonly<Record<string, string | true | undefined>>

/** A command line with these flags: `proxyHost: 'p'` is `--proxy-host=p`, `force: true` is `--force`. */
function invocationOf(command: Command, flags: Flags): Invocation {
  const args = Object.entries(flags).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    if (value === undefined) return []
    return [value === true ? flag : `${flag}=${value}`]
  })
  return parseInvocation(command, args)
}

function configGenerate(flags: Flags, io: ConfigIo): Promise<number> {
  return generateConfig(invocationOf(generateCommand, flags), io)
}

function configCheck(flags: Flags, io: ConfigIo): Promise<number> {
  const invocation = invocationOf(checkCommand, flags)
  return checkConfig({ ...targetIn(invocation), strict: invocation.has('strict') }, io)
}

function configShow(flags: Flags, io: ConfigIo): Promise<number> {
  return showConfig(targetIn(invocationOf(showCommand, flags)), io)
}

const flags = { cloud: 'cloud.example.test', port: '8883', token: secret }

test('generate writes a private file from flags that loads without a remark, and never prints the token', async t => {
  const file = join(tempDir(t), 'demo-connect.cfg')
  const { io, err, said } = terminal()
  const code = await configGenerate(
    {
      ...flags,
      file,
      proxyType: 'SOCKS5',
      proxyHost: 'p',
      proxyPort: '1080',
      proxyUsername: 'u',
      proxyPassword: 'hunter2',
      onpremFileXferHost: 'files.example.test',
      onpremFileXferPort: '8443',
    },
    io,
  )
  assert.equal(code, 0, err.join('\n'))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
    cloud: {
      host: 'cloud.example.test',
      port: 8883,
      token: secret,
      file_xfer_host: 'files.example.test',
      file_xfer_port: 8443,
      tls: 'modern',
    },
    proxy: { type: 'SOCKS5', host: 'p', port: 1080, username: 'u', password: 'hunter2' },
    validate_cloud_cert: true,
    file_transfer: { allow: [] },
  })
  assert.doesNotMatch(said(), /Tok-En|hunter2/)
  const { settings, warnings } = await loadClientConfig({
    appId: '',
    configDir: '/',
    configFile: file,
    environment: {},
  })
  assert.equal(settings.cloud.fileXferPort, 8443)
  assert.deepEqual(warnings, [])
})

test('generate names every wrong or missing flag and writes nothing', async t => {
  const folder = tempDir(t)
  const { io, err, said } = terminal()
  const wrong = { file: join(folder, 'a.cfg'), cloud: 'https://u:hunter2@x', port: 'abc', proxyType: 'HTTP' }
  assert.equal(await configGenerate({ ...wrong, token: undefined }, io), 2)
  const keys = err.map(line => / (\w+\.\w+) /.exec(line)?.[1])
  assert.deepEqual(keys, ['cloud.host', 'cloud.port', 'cloud.token', 'proxy.host', 'proxy.port'])
  assert.match(err[1] ?? '', /Its flag is --port\.$/)
  assert.doesNotMatch(said(), /hunter2/)
  assert.deepEqual(readdirSync(folder), [])
})

test('generate requires the transport for a port that does not imply it', async t => {
  const file = join(tempDir(t), 'a.cfg')
  const { io, err } = terminal()
  assert.equal(await configGenerate({ ...flags, file, port: '18883' }, io), 2)
  assert.match(err.join(), /port 18883 does not say whether to use TLS/)
  assert.equal(await configGenerate({ ...flags, file, port: '18883', transport: 'mqtts' }, io), 0)
})

test('generate takes the token from the environment, where other users cannot see it', async t => {
  const file = join(tempDir(t), 'a.cfg')
  const { io } = terminal(undefined, { DEVICE_CLOUD_CLOUD_TOKEN: secret })
  assert.equal(await configGenerate({ ...flags, file, token: undefined }, io), 0)
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).cloud.token, secret)
})

test('generate asks when run with no flags, hides what is secret, and asks again after a wrong answer', async t => {
  const file = join(tempDir(t), 'asked')
  const answers = [
    file,
    '',
    'cloud.example.test',
    'abc',
    '8883',
    secret,
    'y',
    '',
    'yes',
    'http',
    'p',
    '3128',
    'u',
    'pw',
  ]
  const { io, questions, unanswered, said } = terminal(answers)
  assert.equal(await configGenerate({}, io), 0)
  assert.deepEqual(unanswered, [])
  const hidden = questions.filter(asked => asked.hidden).map(asked => asked.question)
  assert.deepEqual(hidden, ['Cloud token (not shown): ', 'Proxy password (not shown; empty: none): '])
  assert.doesNotMatch(said(), /Tok-En/)
  const written = JSON.parse(readFileSync(`${file}.cfg`, 'utf8'))
  assert.equal(written.cloud.token, secret)
  assert.deepEqual(written.proxy, { type: 'http', host: 'p', port: 3128, username: 'u', password: 'pw' })
})

test('generate without flags and without a person is wrong usage', async () => {
  const { io, err } = terminal()
  assert.equal(await configGenerate({}, io), 2)
  assert.match(err.join(), /needs -c HOST -p PORT -t TOKEN/)
})

test('generate does not overwrite a file without permission', async t => {
  const file = join(configFolder(t, { 'a.cfg': 'old' }), 'a.cfg')
  const nobody = terminal()
  assert.equal(await configGenerate({ ...flags, file }, nobody.io), 1)
  assert.match(nobody.err.join(), /exists already\. Use --force/)
  const no = terminal([''])
  assert.equal(await configGenerate({ ...flags, file }, no.io), 1)
  assert.equal(readFileSync(file, 'utf8'), 'old')
  assert.equal(await configGenerate({ ...flags, file }, terminal(['y']).io), 0)
  assert.match(readFileSync(file, 'utf8'), /Tok-En/)
  assert.equal(await configGenerate({ ...flags, file, force: true, cloud: 'other' }, nobody.io), 0)
  assert.match(readFileSync(file, 'utf8'), /other/)
})

test('generate names the policies that the overwritten file had and the new one does not', async t => {
  const file = join(tempDir(t), 'iot-connect.cfg')
  const key = `ed25519:${Buffer.alloc(32, 1).toString('base64')}`
  const policies = {
    ota: { public_keys: [key] },
    'remote_access.relay_hosts': ['x.test'],
    file_transfer: { allow: [] },
  }
  writeFileSync(file, JSON.stringify(policies))
  const { io, err } = terminal()
  assert.equal(await configGenerate({ ...flags, file, force: true }, io), 0)
  assert.match(err.join('\n'), /^warning: the old file had ota\.public_keys, remote_access\.relay_hosts, and/)
  const again = terminal()
  assert.equal(await configGenerate({ ...flags, file, force: true }, again.io), 0)
  assert.deepEqual(again.err, [])
})

test('generate writes through a link to the real file and makes it private', async t => {
  const folder = tempDir(t)
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data/real.cfg'), 'old', { mode: 0o644 })
  symlinkSync('data/real.cfg', join(folder, 'link.cfg'))
  assert.equal(await configGenerate({ ...flags, file: join(folder, 'link.cfg'), force: true }, terminal().io), 0)
  assert.match(readFileSync(join(folder, 'data/real.cfg'), 'utf8'), /Tok-En/)
  assert.equal(statSync(join(folder, 'data/real.cfg')).mode & 0o777, 0o600)
})

test('generate into a folder that does not exist says so', async t => {
  const { io, err } = terminal()
  assert.equal(await configGenerate({ ...flags, file: join(tempDir(t), 'no', 'a.cfg') }, io), 1)
  assert.match(err.join(), /does not exist/)
})

test('check accepts the files of a Python agent, and writes nothing', async t => {
  const configDir = pythonAgentFolder(t)
  const before = readdirSync(configDir)
  const { io, out, err } = terminal()
  assert.equal(await configCheck({ configDir, appId: 'device_manager_py' }, io), 0)
  assert.equal(out.length, 1)
  assert.deepEqual(
    err.map(line => line.replace(/^.*\.cfg/, '')),
    [
      ':7:5: cloud.name is not a setting, and has no effect. Remove it, or correct its name.',
      ': file_transfer.allow is absent: the cloud may read and write every file of this device, as with the Python agent. Name the folders that the cloud needs in file_transfer.allow of the connection file, [] for none.',
    ],
  )
  assert.deepEqual(readdirSync(configDir), before)
})

test('check names the mistakes of every file at once and exits 3', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': { cloud: { host: 'h', port: 'x', token: secret } },
    'iot.cfg': '{\n "log_level": "LOUD",\n "quiet": }',
    'attributes.cfg': { publish_attribute: 'x' },
    device_id: 'two\nlines',
  })
  const { io, err, out } = terminal()
  assert.equal(await configCheck({ configDir }, io), 3)
  assert.deepEqual(out, [])
  assert.deepEqual(
    err.map(line => line.replace(`${configDir}/`, '').split(' ')[0]),
    ['iot-connect.cfg:4:5:', 'iot.cfg:3:11:', 'attributes.cfg:2:3:', 'device_id:1:'],
  )
  const json = terminal()
  assert.equal(await configCheck({ configDir, json: true }, json.io), 3)
  const told = JSON.parse(json.out.join(''))
  assert.equal(told.ok, false)
  assert.equal(told.problems.length, 4)
  assert.equal(told.problems[0].line, 4)
})

test('check tests that the CA file exists and holds a certificate', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': { cloud: { host: 'h', port: 8883, token: secret }, ca_bundle_file: 'ca.pem' },
  })
  const { io, err } = terminal()
  assert.equal(await configCheck({ configDir }, io), 3)
  assert.match(err.join(), /ca_bundle_file names a file that cannot be used.*does not exist/)
  const json = terminal()
  assert.equal(await configCheck({ configDir, json: true }, json.io), 3)
  assert.match(JSON.parse(json.out.join('')).problems[0].problem, /does not exist \(ENOENT\)$/)
  writeFileSync(join(configDir, 'ca.pem'), 'nothing')
  assert.equal(await configCheck({ configDir }, terminal().io), 3)
  writeFileSync(join(configDir, 'ca.pem'), '-----BEGIN CERTIFICATE-----\n')
  assert.equal(await configCheck({ configDir }, terminal().io), 0)
})

test('show prints every value with its origin, and no secret', async t => {
  const configDir = pythonAgentFolder(t)
  const environment = { DEVICE_CLOUD_KEEP_ALIVE: '60', DEVICE_CLOUD_CLOUD_TOKEN: 'env-s3cr3t' }
  const { io, out, said } = terminal(undefined, environment)
  assert.equal(await configShow({ configDir, appId: 'app' }, io), 0)
  const file = join(configDir, 'iot-connect.cfg')
  for (const expected of [
    'device_id = 0a3c6d1e-7a55-4f2b-9b1e-3c2d1e0f9a8b',
    'thing key = 0a3c6d1e-7a55-4f2b-9b1e-3c2d1e0f9a8b-app',
    `cloud.host = "cloud.example.test"  (${file}:6)`,
    'cloud.token = "[hidden]"  (DEVICE_CLOUD_CLOUD_TOKEN)',
    'cloud.transport = "mqtts"  (by cloud.port)',
    `proxy.password = "[hidden]"  (${file}:15)`,
    'keep_alive = 60  (DEVICE_CLOUD_KEEP_ALIVE)',
    'queue.durability = "spill"  (default)',
    'queue.directory is not set',
    `actions_enabled.reboot_device = false  (${join(configDir, 'iot.cfg')}:6)`,
  ]) {
    assert.ok(out.includes(expected), `${expected}\n---\n${out.join('\n')}`)
  }
  const json = terminal(undefined, environment)
  assert.equal(await configShow({ configDir, json: true }, json.io), 0)
  const told = JSON.parse(json.out.join(''))
  const token = told.connection.find((row: { key: string }) => row.key === 'cloud.token')
  assert.deepEqual(token.origin, { source: 'environment', name: 'DEVICE_CLOUD_CLOUD_TOKEN' })
  assert.equal(told.services[0].name, 'SSH')
  assert.doesNotMatch(said() + json.said(), /TestToken0123456|s3cr3t/)
})

test('show of a wrong configuration lists the mistakes and exits 3', async t => {
  const configDir = configFolder(t, {})
  const { io, err } = terminal()
  assert.equal(await configShow({ configDir }, io), 3)
  assert.match(err.join(), /the connection file does not exist\. Run: npx device-cloud config generate/)
  assert.equal(existsSync(join(configDir, 'device_id')), false)
})

test('generate refuses a bundle that cannot be used, and takes one of another machine with --force', async t => {
  const folder = tempDir(t)
  const file = join(folder, 'a.cfg')
  const sslBundle = join(folder, 'nosuch.pem')
  const refused = terminal()
  assert.equal(await configGenerate({ ...flags, file, sslBundle }, refused.io), 2)
  assert.match(
    refused.err.join(),
    /nosuch\.pem: ca_bundle_file names a file that cannot be used: .*--force.* Its flag is --ssl-bundle/,
  )
  writeFileSync(sslBundle, 'no certificate')
  assert.equal(await configGenerate({ ...flags, file, sslBundle }, terminal().io), 2)
  assert.equal(existsSync(file), false)
  const forced = terminal()
  assert.equal(await configGenerate({ ...flags, file, sslBundle, force: true }, forced.io), 0)
  assert.match(forced.err.join(), /^warning: .*without a certificate in PEM form/)
  writeFileSync(sslBundle, '-----BEGIN CERTIFICATE-----\n')
  const fine = terminal()
  assert.equal(await configGenerate({ ...flags, file, sslBundle, force: true }, fine.io), 0)
  assert.deepEqual(fine.err, [])
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).ca_bundle_file, sslBundle)
})

test('generate asks again for an unusable bundle or file name, before it asks for anything else', async t => {
  const folder = configFolder(t, { 'there.cfg': 'old', 'ca.pem': '-----BEGIN CERTIFICATE-----\n' })
  const [ca, wanted] = [join(folder, 'ca.pem'), join(folder, 'new.cfg')]
  const names = [join(folder, 'no', 'a.cfg'), folder, `${folder}/`, join(folder, 'there.cfg'), 'n', wanted]
  const answers = [...names, 'cloud.example.test', '', secret, 'y', join(folder, 'no.pem'), ca, 'n']
  const { io, questions, unanswered } = terminal(answers)
  assert.equal(await configGenerate({}, io), 0)
  assert.deepEqual(unanswered, [])
  const asked = questions.map(({ question }) => question)
  assert.match(asked[1] ?? '', /^Nothing can be written there: The folder .*no does not exist\. File to write/)
  assert.match(asked[2] ?? '', /^Nothing can be written there: .* names a folder, not a file\. File to write/)
  assert.match(asked[4] ?? '', /there\.cfg exists already\. Overwrite it\? \[y\/N\]/)
  assert.match(asked[11] ?? '', /no\.pem names a file that cannot be used: .*\. Certificate bundle/)
  assert.equal(readFileSync(join(folder, 'there.cfg'), 'utf8'), 'old')
  assert.equal(JSON.parse(readFileSync(wanted, 'utf8')).ca_bundle_file, ca)
})

test('generate checks the file before it asks for the token', async t => {
  const { io, questions, err } = terminal([])
  const file = join(tempDir(t), 'no', 'a.cfg')
  assert.equal(await configGenerate({ ...flags, token: undefined, file }, io), 1)
  assert.deepEqual(questions, [])
  assert.match(err.join(), /does not exist/)
})

test('check names keys that mean nothing beside other mistakes, and pairs a missing setting with the key that was meant', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': {
      cloud: { host: 'h', prot: 8883, token: secret, colour: 'red' },
      keep_alive: 'x',
      logfile: 'y',
    },
    'iot.cfg': { log_level: 'LOUD', thing_name: 'x' },
    'attributes.cfg': { publish_attribute: { a: [] }, publish: {} },
  })
  const { io, err } = terminal()
  assert.equal(await configCheck({ configDir }, io), 3)
  const told = err.map(line => line.replaceAll(`${configDir}/`, ''))
  const about = (key: string) => told.filter(line => line.includes(key))
  assert.deepEqual(about('cloud.p'), [
    'iot-connect.cfg:4: cloud.port is missing; "cloud.prot", which is there, is no setting. Did you mean "cloud.port"? Write it as "cloud.port".',
  ])
  assert.match(about('cloud.colour').join(), /^warning: iot-connect\.cfg:6:\d+: cloud\.colour is not a setting/)
  for (const key of ['keep_alive', 'logfile', 'log_level', 'thing_name', 'publish_attribute.a', ' publish '])
    assert.equal(about(key).length, 1, `${key}: ${told.join('\n')}`)
  const json = terminal()
  assert.equal(await configCheck({ configDir, json: true }, json.io), 3)
  assert.equal(JSON.parse(json.out.join('')).warnings.length, 4)
  const show = terminal()
  assert.equal(await configShow({ configDir }, show.io), 3)
  assert.match(show.err.join('\n'), /cloud\.colour is not a setting/)
})

test('check pairs a whole section that is missing, and a setting that stands outside of its section', async t => {
  const check = async (connection: object) => {
    const { io, err } = terminal()
    await configCheck({ configDir: configFolder(t, { 'iot-connect.cfg': connection }) }, io)
    return err.map(line => line.replace(/^.*?\.cfg\S* /, ''))
  }
  const section = await check({ clod: { host: 'h', port: 8883, token: secret } })
  assert.deepEqual(section, [
    'cloud is missing; "clod", which is there, is no setting. Did you mean "cloud"? Write it as "cloud".',
  ])
  const [outside, ...others] = await check({ host: 'h', cloud: { port: 8883, token: secret } })
  assert.match(
    outside ?? '',
    /^cloud\.host is missing; "host", which is there, is no setting\. .*Write it as "cloud\.host"/,
  )
  assert.deepEqual(others, [])
  const [transport] = await check({ cloud: { host: 'h', port: 18883, transprot: 'mqtts', token: secret } })
  assert.match(transport ?? '', /^cloud\.transport is missing, and port 18883 .*; "cloud\.transprot", which is there/)
  const [proxy] = await check({
    cloud: { host: 'h', port: 8883, token: secret },
    proxy: { type: 'http', host: 'p', prot: 1 },
  })
  assert.match(proxy ?? '', /^proxy\.port is missing, though .*; "proxy\.prot"/)
})

test('check counts its warnings, and with --strict they are enough to fail', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': { cloud: { host: 'h', port: 8883, token: secret }, file_transfer: { allow: [] }, colour: 'red' },
  })
  const one = terminal()
  assert.equal(await configCheck({ configDir }, one.io), 0)
  assert.deepEqual(one.out, [`The configuration in ${configDir} is fine, with 1 warning.`])
  const strict = terminal()
  assert.equal(await configCheck({ configDir, strict: true }, strict.io), 3)
  assert.deepEqual(
    [strict.out, strict.err.at(-1)],
    [[], `The configuration in ${configDir} has 1 warning, and --strict allows none.`],
  )
  const json = terminal()
  assert.equal(await configCheck({ configDir, strict: true, json: true }, json.io), 3)
  assert.equal(JSON.parse(json.out.join('')).ok, false)
  writeFileSync(
    join(configDir, 'iot-connect.cfg'),
    JSON.stringify({ cloud: { host: 'h', port: 8883, token: secret }, file_transfer: { allow: [] } }),
  )
  const clean = terminal()
  assert.equal(await configCheck({ configDir, strict: true }, clean.io), 0)
  assert.deepEqual(clean.out, [`The configuration in ${configDir} is fine.`])
})

test('check reports a duplicate section once, an empty setting that would weaken security, and a misspelt member', async t => {
  const check = async (connection: string, own: object = {}) => {
    const { io, err, out } = terminal()
    const configDir = configFolder(t, { 'iot-connect.cfg': connection, 'iot.cfg': own })
    const code = await configCheck({ configDir }, io)
    return { code, err: err.filter(line => !/file_transfer\.allow is absent/.test(line)), out }
  }
  const cloud = `{"host": "h", "port": 8883, "token": "${secret}"}`
  const twice = await check(`{"cloud": ${cloud}, "cloud": {"host": "x", "port": 443, "token": "t"}}`)
  assert.deepEqual([twice.code, twice.err.length], [0, 1], twice.err.join('\n'))
  assert.match(twice.err.join(), /cloud is in the file twice; the last one counts/)
  const policy = await check(
    `{"cloud": ${cloud}, "ota": {"require_signature": true}, "ota": {"require_signature": false}}`,
  )
  assert.deepEqual([policy.code, policy.err.length], [3, 1], policy.err.join('\n'))

  for (const [members, key] of [
    ['"cloud": {"host": "h", "port": 8883, "token": "t", "tls": ""}', 'cloud.tls is ""'],
    ['"cloud": {"host": "h", "port": 8883, "token": "t", "tls": null}', 'cloud.tls is null'],
    [`"cloud": ${cloud}, "file_transfer": {"max_bytes": ""}`, 'file_transfer.max_bytes is ""'],
  ] as const) {
    const { code, err } = await check(`{${members}}`)
    assert.deepEqual([code, err.length], [3, 1], err.join('\n'))
    assert.ok(err.join().includes(key), err.join())
  }

  const services = (...remote_access_support: object[]) => check(`{"cloud": ${cloud}}`, { remote_access_support })
  const comand = await services({ name: 'console', port: 23, comand: 'telnetd' }, { port: 22, description: 'portal' })
  assert.deepEqual([comand.code, comand.err.length], [0, 1])
  assert.match(
    comand.err.join(),
    /support\.0\.comand is none of the members that the agent reads\. Did you mean "command"\?/,
  )
  const prot = await services({ name: 'SSH', prot: 22 })
  assert.match(prot.err.join('\n'), /support\.0\.port is missing; "prot", which is there, is none of its members/)
  const user = await services({ port: 23, comand: 'telnetd', user: 'tech' })
  assert.match(user.err.join('\n'), /0\.user has no command beside it; "comand", which is there/)
})
