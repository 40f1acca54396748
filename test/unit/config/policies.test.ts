// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { Closure } from '../../../src/config/closure.ts'
import { type ClientConfigRequest, loadClientConfig } from '../../../src/config/load.ts'
import { loadManagerConfig } from '../../../src/config/manager-config.ts'
import { findPolicyRisks } from '../../../src/config/policy.ts'
import { configFolder } from '../../helpers/config-folder.ts'

const cloud = { host: 'cloud.example.test', port: 8883, token: 'Tok-En-123' }
const key = `ed25519:${Buffer.alloc(32, 1).toString('base64')}`

/** A connection file with these members, or this text. */
function load(t: TestContext, members: object | string, more: Partial<ClientConfigRequest> = {}) {
  const file = typeof members === 'string' ? members : { cloud, ...members }
  const configDir = configFolder(t, { 'iot-connect.cfg': file })
  return loadClientConfig({ appId: 'iot', configDir, environment: {}, ...more })
}

function loadOwn(t: TestContext, file: unknown, environment: Record<string, string> = {}) {
  return loadManagerConfig({ configDir: configFolder(t, { 'iot.cfg': file }), environment })
}

const closed = (closures: readonly Closure[]) => [...new Set(closures.map(({ capability }) => capability))].sort()

test('a dotted key says the same as a nested one, in both files and in settings that are handed in', async t => {
  const { settings, warnings, origins } = await load(t, {
    'ota.require_signature': 'true',
    ota: { public_keys: [key] },
    'remote_access.allow': ['plc.local:502'],
    'queue.durability': 'always',
  })
  assert.deepEqual(settings.ota, { publicKeys: [key], requireSignature: true, names: [] })
  assert.deepEqual(settings.remoteAccess.allow, ['plc.local:502'])
  assert.equal(settings.queue.durability, 'always')
  assert.deepEqual(warnings, [])
  const origin = origins.get('ota.require_signature')
  assert.equal(origin?.source === 'file' && origin.line, 7)

  const dotted = { 'cloud.host': 'h', 'cloud.port': 443, 'cloud.token': 't' }
  const plain = await load(t, JSON.stringify(dotted), { settings: { 'file_transfer.allow': ['/data'] } })
  assert.deepEqual(plain.settings.cloud, { host: 'h', port: 443, token: 't', transport: 'wss' })
  assert.deepEqual(plain.settings.fileTransfer.allow, ['/data'])

  const own = await loadOwn(t, { 'actions_enabled.remote_login': false, actions_enabled: { 'my.action': 'False' } })
  assert.equal(own.settings.actionsEnabled.remote_login, false)
  assert.equal(own.settings.actionsEnabled['my.action'], false)
  assert.deepEqual([own.closures, own.warnings], [[], []])
})

test('a policy that is given twice with different values is closed; the same value twice is none the worse', async t => {
  const both = { ota: { require_signature: true }, 'ota.require_signature': false }
  assert.deepEqual(closed((await load(t, both)).closures), ['ota'])
  assert.deepEqual(closed((await load(t, { ...both, 'ota.require_signature': true })).closures), [])
  const twice = (second: string) =>
    `{"cloud": ${JSON.stringify(cloud)}, "file_transfer": {"allow": ["/a"], "allow": [${second}]}}`
  const { closures, settings } = await load(t, twice('"/b"'))
  assert.deepEqual(closed(closures), ['file_transfer'])
  assert.match(closures[0]?.problem.problem ?? '', /twice, with different values/)
  assert.deepEqual(settings.fileTransfer.allow, [])
  assert.deepEqual(closed((await load(t, twice('"/a"'))).closures), [])
  const section = `{"actions_enabled": {"reset_agent": false}, "actions_enabled": {"file_transfers": true}}`
  const own = await loadOwn(t, section)
  assert.deepEqual(closed(own.closures), ['actions_enabled'])
  assert.ok(Object.values(own.settings.actionsEnabled).every(isOn => !isOn))
  // Any other setting ends the start, as every mistake in it does.
  await assert.rejects(load(t, { 'cloud.host': 'other' }), /cloud\.host is given twice, in two spellings/)
})

const mistakes: readonly (readonly [string, object, readonly string[]])[] = [
  ['an empty list of folders', { file_transfer: { allow: '' } }, ['file_transfer']],
  ['null for folders', { file_transfer: { allow: null } }, ['file_transfer']],
  ['a text for folders', { file_transfer: { allow: '/data' } }, ['file_transfer']],
  ['an empty folder', { file_transfer: { allow: ['/data', ''] } }, ['file_transfer']],
  ['an unknown key for files', { file_transfer: { alow: [] } }, ['file_transfer']],
  ['no object for files', { file_transfer: ['/data'] }, ['file_transfer']],
  ['null for a section', { file_transfer: null }, ['file_transfer']],
  ['an empty section', { ota: '' }, ['ota']],
  ['null for keys', { ota: { public_keys: null } }, ['ota']],
  ['a key that cannot be read', { ota: { public_keys: [key, `${key.slice(0, -3)}=`] } }, ['ota']],
  ['a key of another kind', { ota: { public_keys: [`rsa:${key.slice(8)}`] } }, ['ota']],
  ['32 zeros for a key', { ota: { public_keys: [key, `ed25519:${'A'.repeat(43)}=`] } }, ['ota']],
  ['null for signatures', { ota: { require_signature: null } }, ['ota']],
  ['neither yes nor no for signatures', { ota: { require_signature: 1 } }, ['ota']],
  ['an unknown key for updates', { ota: { require_signatures: true } }, ['ota']],
  ['an unknown dotted key', { 'ota.signature': true }, ['ota']],
  ['a dotted key too many', { ota: { require_signature: true, 'x.y': 1 } }, ['ota']],
  ['null for addresses', { remote_access: { allow: null } }, ['remote_access']],
  ['empty addresses', { remote_access: { allow: '' } }, ['remote_access']],
  ['a wrong limit', { remote_access: { max_sessions: 'many' } }, ['remote_access']],
  ['a misspelt section', { file_transfers: { allow: [] } }, ['file_transfer']],
  ['a misspelt short section', { ota_: { require_signature: true } }, ['ota']],
  ['a section with a hyphen', { 'remote-access': { allow: [] } }, ['remote_access']],
  ['a section in capitals', { OTA: { require_signature: true } }, ['ota']],
  ['a misspelt section of a dotted key', { 'otta.x': true }, ['ota']],
  ['a key without its section', { require_signature: true }, ['ota']],
  ['a key of two sections', { allow: [] }, ['file_transfer', 'remote_access']],
  ['a section in another one', { cloud: { ...cloud, ota: { require_signature: true } } }, ['ota']],
  ['a key in another section', { queue: { require_signature: true } }, ['ota']],
  ['a section in an unknown one', { settings: { file_transfer: { allow: [] }, x: 1 } }, ['file_transfer']],
  ['a section in letters of another alphabet', { '\u043et\u0430': { require_signature: true } }, ['ota']],
  ['a section with characters that nobody sees', { 'ota\u200b\u200b': { names: ['x'] } }, ['ota']],
  ['a section with signs in it', { o_t_a: { names: ['x'] } }, ['ota']],
  ['a longer name for a section', { ota_settings: { names: ['x'] } }, ['ota']],
  ['a longer name in capitals', { OTA_POLICY: { names: ['x'] } }, ['ota']],
  ['a section of another name', { updates: { require_signature: true, names: ['x'] } }, ['ota']],
  ['a section of another name for files', { files: { allow: ['/data'] } }, ['file_transfer', 'remote_access']],
  ['a section of another name for the relay', { relay: { relayHosts: [] } }, ['remote_access']],
  ['a section two braces too deep', { a: { b: { ota: { names: ['x'] } } } }, ['ota']],
  ['a section in a list', { a: [[{ file_transfer: { allow: [] } }]] }, ['file_transfer']],
  ['a dotted key in an unknown section', { a: { 'ota.require_signature': true } }, ['ota']],
  ['a section below the prototype', JSON.parse('{"__proto__": {"b": {"ota": {}}}}'), ['ota']],
  ['a key in the spelling of another language', { requireSignature: true }, ['ota']],
  ['a key that is close to one without its section', { public_key: key }, ['ota']],
  ['a key for one too many', { require_signatures: true }, ['ota']],
  [
    'an action for a section',
    { software_update: { require_signature: true } },
    ['actions_enabled.software_update', 'ota'],
  ],
  ['switches in the wrong file', { actions_enabled: { reboot_device: false } }, ['actions_enabled.reboot_device']],
]
for (const [what, members, capabilities] of mistakes) {
  test(`${what}: the capability is closed, and the rest is as it was`, async t => {
    const { settings, closures, origins, path } = await load(t, members)
    assert.deepEqual(closed(closures), capabilities)
    assert.equal(settings.cloud.host, cloud.host)
    for (const { problem } of closures)
      assert.ok(problem.line !== undefined && problem.remedy !== '' && problem.file === path)
    if (capabilities.includes('ota'))
      assert.deepEqual(settings.ota, { publicKeys: [], requireSignature: true, names: [] })
    if (capabilities.includes('remote_access')) assert.deepEqual(settings.remoteAccess.allow, [])
    if (capabilities.includes('file_transfer')) {
      assert.deepEqual(settings.fileTransfer.allow, [])
      assert.equal(origins.get('file_transfer.allow')?.source, 'closed')
    }
  })
}

const variables: readonly (readonly [string, string, string])[] = [
  ['DEVICE_CLOUD_OTA_REQUIRE_SIGNATURE', 'maybe', 'ota'],
  ['DEVICE_CLOUD_OTA_REQUIRE_SIGNATURE', '', 'ota'],
  ['DEVICE_CLOUD_OTA_PUBLIC_KEYS', '', 'ota'],
  ['DEVICE_CLOUD_OTA_PUBLIC_KEYS', ' , ', 'ota'],
  ['DEVICE_CLOUD_OTA_REQUIRE_SIGNATURES', 'true', 'ota'],
  ['DEVICE_CLOUD_OTTA_REQUIRE_SIGNATURE', 'true', 'ota'],
  ['DEVICE_CLOUD_FILE_TRANSFER_ALLOW', '', 'file_transfer'],
  ['DEVICE_CLOUD_FILE_TRANSFER', '/data', 'file_transfer'],
  ['DEVICE_CLOUD_REMOTE_ACCESS_ALLOW', 'plc', 'remote_access'],
  ['DEVICE_CLOUD_REQUIRE_SIGNATURE', 'true', 'ota'],
  ['DEVICE_CLOUD_UPDATES_PUBLIC_KEYS', key, 'ota'],
  ['DEVICE_CLOUD_PUBLIC_KEY', key, 'ota'],
  ['DEVICE_CLOUD_RELAY_HOSTS', 'relay.example.test', 'remote_access'],
  ['device_cloud_ota_require_signature', 'true', 'ota'],
  ['DEVICECLOUD_OTA_REQUIRE_SIGNATURE', 'true', 'ota'],
]
for (const [name, value, capability] of variables) {
  test(`${name}=${value} closes ${capability}`, async t => {
    const { closures } = await load(t, {}, { environment: { [name]: value } })
    assert.deepEqual(closed(closures), [capability])
  })
}

test('settings that a program hands in are judged as those of the file', async t => {
  const { closures } = await load(
    t,
    {},
    {
      settings: { ota: { require_signatur: true }, file_transfer: { allow: null } },
      settingsGivenBy: 'the settings given to the client',
    },
  )
  assert.deepEqual(closed(closures), ['file_transfer', 'ota'])
  assert.deepEqual([...new Set(closures.map(({ problem }) => problem.file))], ['the settings given to the client'])
})

test('a limit with a mistake closes its policy, and its default is what holds', async t => {
  const { settings, origins, closures } = await load(t, { remote_access: { max_sessions: 'many', max_channels: 3 } })
  assert.deepEqual(closed(closures), ['remote_access'])
  assert.equal(settings.remoteAccess.maxSessions, 4)
  assert.deepEqual(origins.get('remote_access.max_sessions'), {
    source: 'closed',
    from: 'remote_access.max_sessions',
  })
  assert.equal(settings.remoteAccess.maxChannels, 3)
})

test('a mistake in any other setting ends the start, and every mistake is told with it', async t => {
  const work = load(t, { qos_level: 7, ota: { require_signature: 'maybe' } })
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(error instanceof AgentError && error.code === 'CONFIG_INVALID')
  assert.match(error.message, /qos_level.*ota\.require_signature is "maybe"/s)
  await assert.rejects(load(t, '{"ota": '), /ends too early/)
})

test('a key alone requires signatures, and then no file action leaves the runtime folder unless it is said', async t => {
  const { settings, origins } = await load(t, { ota: { public_keys: [key] } })
  assert.equal(settings.ota.requireSignature, true)
  assert.deepEqual(settings.fileTransfer.allow, [])
  assert.deepEqual(origins.get('ota.require_signature'), { source: 'derived', from: 'ota.public_keys' })
  assert.deepEqual(origins.get('file_transfer.allow'), { source: 'derived', from: 'ota.require_signature' })
  const named = await load(t, { ota: { public_keys: [key] }, file_transfer: { allow: ['/data'] } })
  assert.deepEqual([named.settings.fileTransfer.allow, named.closures], [['/data'], []])
  for (const root of ['/', '//', '/data/..']) {
    const { closures, settings } = await load(t, {
      ota: { public_keys: [key] },
      file_transfer: { allow: ['/a', root] },
    })
    assert.deepEqual(closed(closures), ['file_transfer'], root)
    assert.deepEqual(settings.fileTransfer.allow, [])
    assert.match(closures[0]?.problem.problem ?? '', /ota\.require_signature/)
  }
  // A device that migrates, or that says it, keeps its reach.
  assert.deepEqual((await load(t, {})).settings.fileTransfer.allow, ['/'])
  assert.deepEqual((await load(t, { file_transfer: { allow: ['/'] } })).closures, [])
})

test('policies that hold and let much through are warned of, with the remedy', async t => {
  const own = { actionsEnabled: { file_transfers: true } }
  const risks = async (members: object, { actionsEnabled } = own) =>
    findPolicyRisks(await load(t, members), { actionsEnabled }).map(note => `${note.key} ${note.problem}`)
  const [open, ...more] = findPolicyRisks(await load(t, {}), own)
  assert.deepEqual(more, [])
  assert.match(open?.problem ?? '', /^is absent: the cloud may read and write every file/)
  assert.match(open?.remedy ?? '', /file_transfer\.allow/)
  assert.match((await risks({ file_transfer: { allow: ['/'] } })).join(), /names "\/"/)
  assert.deepEqual(await risks({}, { actionsEnabled: { file_transfers: false } }), [])
  assert.deepEqual(await risks({ ota: { public_keys: [key] } }), [])
  const unsigned = await risks({ ota: { public_keys: [key], require_signature: false }, file_transfer: { allow: [] } })
  assert.deepEqual(unsigned, [
    'ota.require_signature is false, though ota.public_keys names a key: unsigned packages are installed',
  ])
  const nothing = await risks({ ota: { require_signature: true } })
  assert.deepEqual(nothing, [
    'ota.require_signature is true, and ota.public_keys names no key: no update can be installed',
  ])
})

test('a switch may be of an action that the owner adds; a misspelt one closes the switch that was meant', async t => {
  const { settings, closures, effective, path } = await loadOwn(t, {
    actions_enabled: { 'rotate-keys': false, restart_plc: 'TRUE', software_updat: true, 'remote-access': false },
  })
  const { actionsEnabled } = settings
  assert.equal(actionsEnabled['rotate-keys'], false)
  assert.equal(actionsEnabled.restart_plc, true)
  assert.equal(actionsEnabled.software_update, false)
  assert.equal(actionsEnabled.remote_login, false)
  assert.equal(actionsEnabled.file_transfers, true)
  assert.deepEqual(
    closures.map(({ capability, problem }) => [capability, problem.line, problem.didYouMean]),
    [
      ['actions_enabled.software_update', 5, 'actions_enabled.software_update'],
      ['actions_enabled.remote_login', 6, 'actions_enabled.remote_login'],
    ],
  )
  const row = effective.find(one => one.key === 'actions_enabled.rotate-keys')
  assert.deepEqual(row?.origin, { source: 'file', file: path, line: 3 })
})

const switchMistakes: readonly (readonly [object, readonly string[]])[] = [
  [{ actions_enabled: { reboot_device: null } }, ['actions_enabled.reboot_device']],
  [{ actions_enabled: { reboot_device: '' } }, ['actions_enabled.reboot_device']],
  [{ actions_enabled: { my_action: 'no' } }, ['actions_enabled.my_action']],
  [{ actions_enabled: { reboot: false } }, ['actions_enabled.reboot_device']],
  [{ actions_enabled: { '*': false } }, ['actions_enabled']],
  [{ actions_enabled: { all: false } }, ['actions_enabled']],
  [{ actions_enabled: null }, ['actions_enabled']],
  [{ actions_enabled: '' }, ['actions_enabled']],
  [
    { action_enabled: { ping: false, file_transfers: false } },
    ['actions_enabled.file_transfers', 'actions_enabled.reset_agent'],
  ],
  [{ actions_enabled_: 1 }, ['actions_enabled']],
  [{ actions_enabled: { update: false } }, ['actions_enabled.software_update']],
  [{ actions_enabled: { 'software_update.enabled': false } }, ['actions_enabled.software_update']],
  [{ a: { actions_enabled: { software_update: false } } }, ['actions_enabled.software_update']],
  [{ a: { b: [{ actions_enabled: { reboot: false } }] } }, ['actions_enabled.reboot_device']],
  [{ actions: { software_update: false } }, ['actions_enabled.software_update']],
  [{ file_transfers: false }, ['actions_enabled.file_transfers']],
  [{ ota: { require_signature: true } }, ['ota']],
  [{ 'file_transfer.allow': [] }, ['file_transfer']],
  [{ remote_access_support: [{ name: 'SSH' }] }, ['remote_access']],
  [{ remote_access_support: {} }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', user: '' }] }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', User: 'nobody' }] }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', usr: 'nobody' }] }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', run_as_user: 'nobody' }] }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', runAs: 'nobody' }] }, ['remote_access']],
  [{ remote_access_support: [{ port: 23, command: 'telnetd', uid: 65534 }] }, ['remote_access']],
]
for (const [file, capabilities] of switchMistakes) {
  test(`iot.cfg with ${JSON.stringify(file)} closes ${capabilities.join(' and ')}`, async t => {
    const { closures, settings } = await loadOwn(t, file)
    assert.deepEqual(closed(closures), capabilities)
    assert.deepEqual(settings.remoteAccessSupport, [])
    for (const capability of capabilities) {
      const name = capability.split('.')[1] ?? 'reset_agent'
      if (capability.startsWith('actions_enabled')) assert.equal(settings.actionsEnabled[name], false)
    }
  })
}

test('variables for switches: of known actions, of added ones that iot.cfg names, and no other', async t => {
  const added = { actions_enabled: { 'My-Action': true, other: true } }
  const { settings, closures } = await loadOwn(t, added, {
    DEVICE_CLOUD_ACTIONS_ENABLED_OTHER: 'off',
    DEVICE_CLOUD_ACTIONS_ENABLED_REMOTE_LOGN: 'off',
    DEVICE_CLOUD_ACTIONS_ENABLED_THIRD: 'off',
    DEVICE_CLOUD_ACTIONS_ENABLED_RESET_AGENT: '',
    DEVICE_CLOUD_ACTIONS_REBOOT_DEVICE: 'off',
  })
  assert.equal(settings.actionsEnabled.other, false)
  assert.equal(settings.actionsEnabled['My-Action'], true)
  assert.deepEqual(closed(closures), [
    'actions_enabled.reboot_device',
    'actions_enabled.remote_login',
    'actions_enabled.reset_agent',
    'actions_enabled.third',
  ])
})

test('what is no policy, and what old files carry, closes nothing', async t => {
  const { closures } = await load(
    t,
    {
      app_id: 'x',
      validate_cloud_certs: false,
      colour: 'red',
      remote_access_support: [],
      data: {},
      logging: { max_bytes: 5, names: ['x'], public: true, list: [{ allowance: 1 }] },
      cloud: { ...cloud, name: 'x' },
    },
    {
      environment: {
        DEVICE_CLOUD_ACTION: 'x',
        DEVICE_CLOUD_CONFIG_DIR: '/x',
        DEVICE_CLOUD_ON_TRIAL: '1',
        DEVICE_CLOUD_REMOTE_ACCESS_SUPPORT: '[]',
      },
    },
  )
  assert.deepEqual(closures, [])
  const own = await loadOwn(t, { remote_access_supports: [], remote_access_support: '', upload_dirs: [] })
  assert.deepEqual(own.closures, [])
  const services = [
    { name: 'SSH', port: 22, username: 'for the portal' },
    { port: 23, command: 'telnetd', description: 'x' },
  ]
  assert.equal((await loadOwn(t, { remote_access_support: services })).settings.remoteAccessSupport.length, 2)
})

test('what is told of a mistake is bounded, however long the key is', async t => {
  const { closures } = await load(t, { ota: { ['x'.repeat(300_000)]: 1 } })
  assert.deepEqual(closed(closures), ['ota'])
  assert.ok(JSON.stringify(closures).length < 1000)
  const deep = `{"ota": ${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`
  await assert.rejects(load(t, deep), /iot-connect\.cfg:1:\d+: the file is nested too deeply\. Use at most 32 levels/)
})

test('of unknown keys, a thousand are compared with names; a file with more closes what nobody looks for any more', async t => {
  const name = (index: number) => `an_unknown_key_with_a_rather_long_name_${index}`
  // Compared with names, the last key closes "ota", under its own name.
  const unknown = (count: number) => ({
    ...Object.fromEntries(Array.from({ length: count - 1 }, (_, index) => [name(index), 1])),
    require_signatures: 1,
  })
  const found = async (count: number) =>
    (await load(t, unknown(count))).closures.map(({ capability, problem }) => `${capability}: ${problem.key}`).sort()
  assert.deepEqual(await found(1000), ['ota: require_signatures'])
  const all = ['actions_enabled', 'file_transfer', 'ota', 'remote_access']
  assert.deepEqual(
    await found(1001),
    all.map(capability => `${capability}: require_signatures`),
  )
  assert.deepEqual(
    await found(15_000),
    all.map(capability => `${capability}: ${name(1000)}`),
  )
})

test('every mistake of a policy is told where it stands', async t => {
  const configDir = configFolder(t, {
    'iot-connect.cfg': `{\n "cloud": ${JSON.stringify(cloud)},\n "ota": {"public_keys": ["x"]} }`,
  })
  const { closures } = await loadClientConfig({ appId: 'iot', configDir, environment: {} })
  assert.deepEqual(closures, [
    {
      capability: 'ota',
      problem: {
        file: join(configDir, 'iot-connect.cfg'),
        line: 3,
        column: 10,
        key: 'ota.public_keys',
        problem: 'is a list whose item 1 is "x"',
        expected: 'a list of keys such as "ed25519:...", as "device-cloud ota keygen" prints them',
        remedy: 'Write a list of keys such as "ed25519:...", as "device-cloud ota keygen" prints them.',
      },
    },
  ])
})
