// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { runCli } from '../../../src/cli/cli.ts'
import { publicKeyText } from '../../../src/manager/ota/package/signature.ts'
import { parseRootConfig } from '../../../src/manager/root/root-config.ts'
import { type InstallRequest, installService } from '../../../src/manager/service/install-service.ts'
import { serviceForms } from '../../../src/manager/service/service-file.ts'
import { defaultPlan } from '../../../src/manager/service/service-plan.ts'
import { uninstallService } from '../../../src/manager/service/uninstall-service.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../../helpers/attacker.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryTerminal } from '../../helpers/memory-terminal.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A device's files under a folder: text by path; a path that ends with / is a folder, `-> x` a link. */
function image(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = tempDir(t)
  for (const [path, text] of Object.entries({ 'usr/bin/device-cloud': 'ELF', ...files })) {
    const place = join(root, path)
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true })
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), place)
    else if (!path.endsWith('/')) writeFileSync(place, text, { mode: path.startsWith('usr/bin') ? 0o755 : 0o644 })
  }
  return root
}

const buildroot = { 'var/lib/': '', 'etc/init.d/rcS': 'for i in /etc/init.d/S??* ;do $i start; done' }

function request(root: string, plan: Partial<InstallRequest['plan']> = {}): InstallRequest {
  const { placesQueue, notifies, asksRoot, workDir, ...rest } = defaultPlan
  return { root, plan: { ...rest, ...plan } }
}

function refusal(code: ErrorCode, words: RegExp) {
  return (error: unknown) =>
    error instanceof AgentError && error.code === code && words.test(`${error.message} ${error.remedy}`)
}

function everything(root: string): string[] {
  return readdirSync(root, { recursive: true }).map(String).sort()
}

test('a system without a known init gets an error that says what was looked for, exit code 1, and no file', async t => {
  const root = image(t, { 'etc/hostname': 'board' })
  const before = everything(root)
  const terminal = memoryTerminal()
  assert.equal(await runCli(['service', 'install', '--root', root], terminal), 1)
  assert.match(terminal.errText(), /There is no known init system under .*Looked for .*etc\/init\.d/)
  assert.deepEqual(everything(root), before)
})

test('Buildroot: the script is linked where rcS looks, and uninstalling brings the old image back', async t => {
  const root = image(t, buildroot)
  const before = everything(root)
  await installService(request(root))
  assert.equal(readlinkSync(join(root, 'etc/init.d/S90device-cloud')), 'device-cloud')
  assert.deepEqual(JSON.parse(readFileSync(join(root, 'etc/device-cloud/iot.cfg'), 'utf8')), {
    runtime_dir: '/var/lib/device-cloud',
  })
  const { left } = await uninstallService({ root, clock: new FakeClock() })
  assert.deepEqual(left, [])
  assert.deepEqual(everything(root), before)
})

test('SysV: start and stop links in the levels that the system has', async t => {
  const root = image(t, { 'etc/init.d/': '', 'etc/rc0.d/': '', 'etc/rc3.d/': '', 'etc/rc5.d/': '' })
  await installService(request(root))
  const links = ['etc/rc0.d/K10device-cloud', 'etc/rc3.d/S90device-cloud', 'etc/rc5.d/S90device-cloud']
  for (const path of links) assert.equal(readlinkSync(join(root, path)), '../init.d/device-cloud')
  assert.equal(existsSync(join(root, 'etc/init.d/S90device-cloud')), false)
})

const systems: readonly [
  init: string,
  files: Record<string, string>,
  service: string,
  links: Record<string, string>,
][] = [
  ['sysv', { 'etc/init.d/': '', 'lib/systemd/systemd': '', 'sbin/init': 'ELF' }, 'etc/init.d/device-cloud', {}],
  [
    'systemd',
    { 'etc/init.d/': '', 'sbin/openrc-run': '', 'sbin/init': '-> /lib/systemd/systemd' },
    'etc/systemd/system/device-cloud.service',
    { 'etc/systemd/system/multi-user.target.wants/device-cloud.service': '../device-cloud.service' },
  ],
  [
    'openrc',
    { 'etc/init.d/': '', 'sbin/openrc-run': '', 'sbin/init': '-> /bin/busybox' },
    'etc/init.d/device-cloud',
    { 'etc/runlevels/default/device-cloud': '/etc/init.d/device-cloud' },
  ],
  [
    'procd',
    { 'etc/init.d/': '', 'sbin/procd': '', 'sbin/init': 'ELF' },
    'etc/init.d/device-cloud',
    { 'etc/rc.d/S90device-cloud': '../init.d/device-cloud', 'etc/rc.d/K10device-cloud': '../init.d/device-cloud' },
  ],
]

for (const [init, files, service, links] of systems)
  test(`${init} is recognised, gets its file and links, and loses them again`, async t => {
    const root = image(t, files)
    const before = everything(root)
    const installed = await installService(request(root))
    assert.equal(installed.init, init)
    assert.equal(installed.servicePath, `/${service}`)
    assert.ok(existsSync(join(root, service)))
    for (const [path, leadsTo] of Object.entries(links)) assert.equal(readlinkSync(join(root, path)), leadsTo)
    const { left } = await uninstallService({ root, clock: new FakeClock() })
    assert.deepEqual(left, [])
    assert.deepEqual(everything(root), before)
  })

test('a named init system needs no signs', async t => {
  const root = image(t, {})
  const { init } = await installService({ ...request(root), init: 'systemd' })
  assert.equal(init, 'systemd')
})

const notify = { 'sbin/init': '-> /lib/systemd/systemd', 'usr/bin/systemd-notify': 'ELF' }
/** The user who runs the test: only root may give a file to another user. */
const account = { 'etc/passwd': `cloud:x:${process.getuid?.()}:${process.getgid?.()}::/:/bin/false` }
const units: readonly [what: string, files: Record<string, string>, user: string, type: string, note: RegExp][] = [
  ['root', notify, 'root', 'notify', /^(?!.*watchdog)/s],
  ['root without systemd-notify', { 'sbin/init': '-> /lib/systemd/systemd' }, 'root', 'exec', /no systemd-notify/],
  [
    'a user under systemd 252',
    { ...notify, ...account, 'usr/lib/arm-linux-gnueabihf/systemd/libsystemd-shared-252.so': '' },
    'cloud',
    'notify',
    /^(?!.*watchdog)/s,
  ],
  [
    'a user under systemd 241',
    { ...notify, ...account, 'lib/systemd/libsystemd-shared-241.so': '' },
    'cloud',
    'exec',
    /this is 241: the unit works without a watchdog/,
  ],
  ['a user under an unknown systemd', { ...notify, ...account }, 'cloud', 'exec', /its version is unknown/],
]

for (const [what, files, user, type, note] of units)
  test(`the unit of ${what} is Type=${type}, and a watchdog that is missing is said`, async t => {
    const root = image(t, files)
    const { notes } = await installService(request(root, { user }))
    const text = readFileSync(join(root, 'etc/systemd/system/device-cloud.service'), 'utf8')
    assert.match(text, new RegExp(`^Type=${type}$`, 'm'))
    assert.equal(/^WatchdogSec=/m.test(text), type === 'notify')
    assert.match(notes.join('\n'), note)
  })

test('a systemd that can run nothing as root beside a named user gets no such lines, and it is said', async t => {
  const root = image(t, { ...notify, ...account, 'lib/systemd/libsystemd-shared-230.so': '' })
  const { notes } = await installService(request(root, { user: 'cloud' }))
  assert.doesNotMatch(readFileSync(join(root, 'etc/systemd/system/device-cloud.service'), 'utf8'), /root-step/)
  assert.equal(existsSync(join(root, 'etc/device-cloud-root.cfg')), false)
  assert.match(notes.join('\n'), /only systemd 231 and later .* this is 230/)
})

test('a system whose boot runs no script of init.d: it is said which line to add', async t => {
  const root = image(t, { 'etc/init.d/rcS': 'mount -a' })
  const { notes } = await installService(request(root))
  assert.match(notes.join('\n'), /add the line "\/etc\/init.d\/device-cloud start"/)
})

test('what is there stays, through installing twice and uninstalling', async t => {
  const iot = '{"runtime_dir":"/data/run"}'
  const root = image(t, { ...buildroot, 'etc/device-cloud/iot.cfg': iot, 'var/lib/device-cloud/upload/log': 'x' })
  await installService(request(root))
  const { notes } = await installService(request(root))
  assert.match(notes.join('\n'), /iot\.cfg was there and stays/)
  await uninstallService({ root, clock: new FakeClock() })
  assert.equal(readFileSync(join(root, 'etc/device-cloud/iot.cfg'), 'utf8'), iot)
  assert.ok(existsSync(join(root, 'var/lib/device-cloud/upload/log')))
  assert.equal(existsSync(join(root, 'etc/init.d/device-cloud')), false)
})

test('a second installation still knows what the first one added', async t => {
  const root = image(t, buildroot)
  const before = everything(root)
  await installService(request(root))
  await installService(request(root, { appId: 'device_manager_py' }))
  assert.match(readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8'), /-i device_manager_py/)
  await uninstallService({ root, clock: new FakeClock() })
  assert.deepEqual(everything(root), before)
})

test('what was changed since stays, and is named', async t => {
  const root = image(t, buildroot)
  await installService(request(root))
  writeFileSync(join(root, 'etc/device-cloud/iot.cfg'), '{"runtime_dir":"/var/lib/device-cloud","log_level":"debug"}')
  writeFileSync(join(root, 'var/lib/device-cloud/sample'), 'undelivered')
  const { left } = await uninstallService({ root, clock: new FakeClock() })
  assert.deepEqual(left, [
    '/etc/device-cloud/iot.cfg: was changed',
    '/var/lib/device-cloud: is not empty',
    '/etc/device-cloud: is not empty',
  ])
})

test('a foreign script of the same name is neither replaced nor removed', async t => {
  const root = image(t, { ...buildroot, 'etc/init.d/device-cloud': '#!/bin/sh\n' })
  await assert.rejects(installService(request(root)), refusal('FILE_ACCESS', /nothing was written/))
  const { left } = await uninstallService({ root, clock: new FakeClock() })
  assert.equal(readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8'), '#!/bin/sh\n')
  assert.equal(left.length, 1)
})

test('folders elsewhere, for a root that is read-only on the device', async t => {
  const root = image(t, buildroot)
  await installService(request(root, { configDir: '/data/device-cloud', stateDir: '/data/state' }))
  const script = readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8')
  assert.match(script, /^CONFIG=\/data\/device-cloud\nSTATE=\/data\/state$/m)
  assert.equal(existsSync(join(root, 'etc/device-cloud')), false)
})

test('a queue folder that the connection file names is not overruled', async t => {
  const connection = '{"queue":{"directory":"/flash/queue"}}'
  const root = image(t, { ...buildroot, 'etc/device-cloud/iot-connect.cfg': connection })
  await installService(request(root))
  assert.doesNotMatch(readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8'), /QUEUE_DIRECTORY/)
})

test('a missing executable, user or root folder, and words that do not belong into a script, are refused before anything is written', async t => {
  const root = image(t, buildroot)
  const before = everything(root)
  const plans: [Partial<InstallRequest['plan']>, ErrorCode, RegExp][] = [
    [{ executable: '/opt/device-cloud' }, 'FILE_NOT_FOUND', /--executable/],
    [{ user: 'nobody-here' }, 'INVALID_ARGUMENT', /there is no user nobody-here/],
    [{ user: 'a b' }, 'USAGE', /--user/],
    [{ configDir: '/etc/$(reboot)' }, 'USAGE', /--config-dir/],
    [{ configDir: 'etc' }, 'USAGE', /--config-dir/],
    [{ stateDir: '/var/../etc' }, 'USAGE', /--state-dir/],
    [{ appId: "x'; reboot" }, 'USAGE', /--app-id/],
  ]
  for (const [plan, code, words] of plans)
    await assert.rejects(installService(request(root, plan)), refusal(code, words))
  await assert.rejects(installService(request(join(root, 'no'))), refusal('FILE_NOT_FOUND', /--root/))
  assert.deepEqual(everything(root), before)
})

const rootConfigFile = 'etc/device-cloud-root.cfg'
const otaKey = publicKeyText(generateKeyPairSync('ed25519').publicKey)
const rootConfigOf = (root: string) => parseRootConfig(readFileSync(join(root, rootConfigFile), 'utf8'))

test('a named user gets a file that says what root does for it, with the keys of the connection file', async t => {
  for (const connection of [{ ota: { public_keys: [otaKey] } }, { 'ota.public_keys': [otaKey] }]) {
    const root = image(t, { ...buildroot, ...account, 'etc/device-cloud/iot-connect.cfg': JSON.stringify(connection) })
    const before = everything(root)
    const { notes } = await installService(request(root, { user: 'cloud' }))
    assert.deepEqual(rootConfigOf(root), {
      user: 'cloud',
      stateDir: '/var/lib/device-cloud',
      workDir: '/var/lib/device-cloud-root',
      steps: ['reboot', 'shutdown', 'install'],
      publicKeys: [otaKey],
      names: [],
      extraParams: false,
    })
    assert.match(notes.join('\n'), /root does for cloud what .* allows: reboot, shutdown, install/)
    const { uid, mode } = statSync(join(root, rootConfigFile))
    assert.deepEqual([uid, mode & 0o777], [process.getuid?.(), 0o644])
    await uninstallService({ root, clock: new FakeClock() })
    assert.deepEqual(everything(root), before)
  }
})

test('root is told which names packages may have, and which device this is', async t => {
  const connection = JSON.stringify({ ota: { public_keys: [otaKey], names: ['app'] } })
  const config = { 'etc/device-cloud/iot-connect.cfg': connection, 'etc/device-cloud/device_id': 'device-1\n' }
  const root = image(t, { ...buildroot, ...account, ...config })
  await installService(request(root, { user: 'cloud' }))
  const { names, deviceId } = rootConfigOf(root)
  assert.deepEqual([names, deviceId], [['app'], 'device-1'])
})

const mistakenRules: readonly (readonly [string, object, object])[] = [
  ['keys in two spellings', { 'ota.public_keys': [otaKey], ota: { public_keys: [] } }, {}],
  ['a text for names', { ota: { public_keys: [otaKey], names: 'app' } }, {}],
  ['a misspelt name', { ota: { public_keys: [otaKey], name: ['app'] } }, {}],
  ['a key that anybody can sign for', { ota: { public_keys: [otaKey, `ed25519:${'A'.repeat(43)}=`] } }, {}],
  ['keys in the other file', { ota: { public_keys: [otaKey] } }, { ota: { public_keys: [] } }],
]
for (const [what, connection, manager] of mistakenRules) {
  test(`${what}: root installs nothing for a named user, and it is said why`, async t => {
    const files = { 'iot-connect.cfg': connection, 'iot.cfg': manager }
    const config = Object.entries(files).map(([name, file]) => [`etc/device-cloud/${name}`, JSON.stringify(file)])
    const root = image(t, { ...buildroot, ...account, ...Object.fromEntries(config) })
    const { notes } = await installService(request(root, { user: 'cloud' }))
    assert.deepEqual([rootConfigOf(root).steps, rootConfigOf(root).publicKeys], [['reboot', 'shutdown'], []])
    assert.match(notes.join('\n'), /root installs nothing, because of a mistake in the configuration: .*ota/)
  })
}

test('without a key root installs nothing, and it is said why', async t => {
  const root = image(t, { ...buildroot, ...account })
  const { notes } = await installService(request(root, { user: 'cloud' }))
  assert.deepEqual(rootConfigOf(root).steps, ['reboot', 'shutdown'])
  assert.match(notes.join('\n'), /updates run as cloud: root installs signed packages only/)
})

test('root does no more than it is told to, and for root itself there is no such file', async t => {
  const root = image(t, { ...buildroot, ...account })
  const terminal = memoryTerminal()
  const words = ['service', 'install', '--root', root, '--user', 'cloud', '--root-steps', 'shutdown']
  assert.equal(await runCli(words, terminal), 0, terminal.errText())
  assert.deepEqual(rootConfigOf(root).steps, ['shutdown'])
  for (const [list, user] of [
    ['reboot,run', 'cloud'],
    ['reboot', undefined],
  ]) {
    const flags = user === undefined ? [] : ['--user', user]
    assert.equal(
      await runCli(['service', 'install', '--root', root, '--root-steps', list ?? '', ...flags], terminal),
      2,
    )
  }
  const other = image(t, buildroot)
  await installService(request(other))
  assert.equal(existsSync(join(other, rootConfigFile)), false)
})

test('a second installation leaves what root may do as the owner has changed it', async t => {
  const root = image(t, { ...buildroot, ...account })
  await installService(request(root, { user: 'cloud' }))
  const changed = readFileSync(join(root, rootConfigFile), 'utf8').replace('"reboot",', '')
  writeFileSync(join(root, rootConfigFile), changed)
  const { notes } = await installService(request(root, { user: 'cloud' }))
  assert.equal(readFileSync(join(root, rootConfigFile), 'utf8'), changed)
  assert.match(notes.join('\n'), /device-cloud-root\.cfg was there and stays/)
  const elsewhere = await installService(request(root, { user: 'cloud', stateDir: '/data/state' }))
  assert.match(elsewhere.notes.join('\n'), /remove it, and install again|iot\.cfg was there/)
  writeFileSync(join(root, rootConfigFile), '{"steps":"all"}')
  const script = readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8')
  await assert.rejects(
    installService(request(root, { user: 'cloud' })),
    refusal('CONFIG_INVALID', /device-cloud-root\.cfg: "user"/),
  )
  assert.equal(readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8'), script)
})

test('requests lie where the manager’s runtime_dir is, and root’s folder in none of the manager’s user', async t => {
  const iot = '{"runtime_dir":"/data/run/"}'
  const root = image(t, { ...buildroot, ...account, 'data/device-cloud/iot.cfg': iot })
  const plan = { user: 'cloud', configDir: '/data/device-cloud', stateDir: '/data/device-cloud/state' }
  await installService(request(root, plan))
  assert.deepEqual([rootConfigOf(root).stateDir, rootConfigOf(root).workDir], ['/data/run', '/data/device-cloud-root'])
  const script = readFileSync(join(root, 'etc/init.d/device-cloud'), 'utf8')
  assert.match(
    script,
    /^REQUEST=\/data\/run\/root-request\.json\nPENDING=\/data\/device-cloud-root\/results\/pending\.json$/m,
  )
})

test(
  'nothing is given to the user of the service that is not its own: no folder behind his link, none of the system',
  needsRoot,
  async t => {
    const root = image(t, { ...buildroot, 'etc/passwd': 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' })
    const home = attackersFolder(root, 'home', 'pi')
    asAttacker(`ln -s ../../etc ${home}/config`, `ln -s ../../var ${home}/data`)
    const before = everything(root)
    const user = 'nobody'
    for (const [plan, why] of [
      [{ user, configDir: '/home/pi/config' }, /home\/pi\/config is a link that a user other than root/],
      [{ user, stateDir: '/home/pi/data/lib' }, /home\/pi\/data is a link that a user other than root/],
      [{ user, configDir: '/etc' }, /\/etc is a folder of the system/],
      [{ user, stateDir: '/var/lib' }, /\/var\/lib is a folder of the system/],
    ] as const)
      await assert.rejects(installService(request(root, plan)), refusal('PATH_REFUSED', why))
    assert.deepEqual(everything(root), before)
    for (const path of ['etc', 'etc/passwd', 'var/lib']) assert.equal(statSync(join(root, path)).uid, 0)
  },
)

test(
  'a folder that the user of the service has already, behind links of his own, is taken as it is',
  needsRoot,
  async t => {
    const root = image(t, { ...buildroot, 'etc/passwd': 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' })
    const home = attackersFolder(root, 'home', 'pi')
    asAttacker(`mkdir ${home}/agent`, `ln -s agent ${home}/config`, `echo '{}' >${home}/agent/iot-connect.cfg`)
    await installService(
      request(root, { user: 'nobody', configDir: '/home/pi/config', stateDir: '/home/pi/config/runtime' }),
    )
    for (const name of ['iot.cfg', 'iot-connect.cfg', 'runtime'])
      assert.equal(statSync(join(home, 'agent', name)).uid, 65_534)
  },
)

test('an installation over a service that runs says to restart it, and whether there is anything new', async t => {
  const root = image(t, buildroot)
  const isRunning = async () => true
  const first = await installService({
    ...request(root),
    isRunning: () => assert.fail('nothing is there that could run'),
  })
  assert.deepEqual([first.restartCommand, first.isChanged], [undefined, true])
  const again = await installService({ ...request(root), isRunning })
  assert.deepEqual([again.restartCommand, again.isChanged], ['/etc/init.d/device-cloud restart', false])
  assert.match(again.done[0] ?? '', /as it was/)
  const other = await installService({ ...request(root, { appId: 'other' }), isRunning })
  assert.deepEqual([other.restartCommand, other.isChanged], ['/etc/init.d/device-cloud restart', true])
  const stopped = await installService({ ...request(root), isRunning: async () => false })
  assert.equal(stopped.restartCommand, undefined)
})

test('every init system is understood when it says whether the service runs', () => {
  const rows = [
    ['sysv', 0, '', true],
    ['sysv', 1, '', true],
    ['sysv', 3, '', false],
    ['openrc', 0, '', true],
    ['openrc', 3, '', false],
    ['procd', 0, 'running', true],
    ['procd', 3, 'inactive', false],
    ['systemd', 0, 'active\n', true],
    ['systemd', 3, 'activating\n', true],
    ['systemd', 3, 'inactive\n', false],
    ['systemd', 3, 'failed\n', false],
    ['systemd', undefined, '', false],
  ] as const
  for (const [init, code, said, runs] of rows)
    assert.equal(serviceForms[init].isRunning(code, said), runs, `${init} ${code} ${said}`)
})
