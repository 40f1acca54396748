// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findProgram } from '../../../build/run-program.ts'
import { additionsOf, withAdditions } from '../../../src/manager/service/additions.ts'
import { openrcScript } from '../../../src/manager/service/openrc-script.ts'
import { procdScript } from '../../../src/manager/service/procd-script.ts'
import { defaultPlan } from '../../../src/manager/service/service-plan.ts'
import { supervisorLoop } from '../../../src/manager/service/supervisor-loop.ts'
import { systemdUnit } from '../../../src/manager/service/systemd-unit.ts'
import { sysvScript } from '../../../src/manager/service/sysv-script.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const plan = { ...defaultPlan, user: 'cloud', appId: 'device_manager_py', asksRoot: true }

/** Runs a script in a shell whose surroundings are `before`, and `after` behind it. */
function shell(t: TestContext, before: string, script: string, after: string): string {
  const path = join(tempDir(t), 'script')
  writeFileSync(path, `${before}\n${script}\n${after}\n`)
  chmodSync(path, 0o755)
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-eu', path], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

const procdStandIns = [
  'mkdir() { :; }; chown() { echo "chown $*"; }',
  'procd_open_instance() { echo open; }; procd_close_instance() { echo close; }',
  'procd_set_param() { echo "$*"; }; procd_send_signal() { echo "signal $*"; }',
].join('\n')

test('the script for procd hands procd the command, the environment and endless respawning', t => {
  const said = shell(t, procdStandIns, procdScript(defaultPlan), 'start_service; reload_service').trim().split('\n')
  assert.deepEqual(said, [
    'chown -h root /var/lib/device-cloud',
    'open',
    'command /bin/sh /etc/init.d/device-cloud run',
    'env DEVICE_CLOUD_QUEUE_DIRECTORY=/var/lib/device-cloud/queue DEVICE_CLOUD_SUPERVISED=1 MALLOC_ARENA_MAX=1 UV_USE_IO_URING=0',
    'respawn 60 10 0',
    'term_timeout 30',
    'stdout 1',
    'stderr 1',
    'close',
    'signal device-cloud * HUP',
  ])
})

test('under procd the manager of a named user is started by the loop that is root', t => {
  const script = procdScript(plan).replace('RUN=/var/run/device-cloud', `RUN=${tempDir(t)}`)
  const after = 'make_folders() { echo folders; }; start_service; echo "$EXE $RUN_AS $ARGS $REQUEST"'
  const said = shell(t, procdStandIns, script, after).trim().split('\n')
  assert.equal(said[0], 'folders')
  assert.ok(said.includes('command /bin/sh /etc/init.d/device-cloud supervise'))
  assert.ok(!said.some(line => line.startsWith('user ')), 'the loop is root')
  assert.equal(
    said.at(-1),
    '/usr/bin/device-cloud cloud -i device_manager_py -s /var/lib/device-cloud/root-request.json',
  )
})

test('procd starts the manager by the same file, which clears the environment', t => {
  const manager = join(tempDir(t), 'manager')
  writeFileSync(manager, '#!/bin/sh\necho "$*"; umask; ulimit -c; env\n', { mode: 0o755 })
  const path = join(tempDir(t), 'script')
  writeFileSync(path, procdScript({ ...defaultPlan, executable: manager }))
  const { stdout, stderr } = spawnSync('/bin/sh', [path, 'run'], { encoding: 'utf8', env: hostile })
  assert.equal(stderr, '')
  const [words, umask, core, ...environment] = stdout.trim().split('\n')
  assert.deepEqual([words, umask, core], ['manager -c /etc/device-cloud -i device_manager', '0027', '0'])
  assertClean(environment.join('\n'))
})

const openrcStandIns = [
  'supervise_daemon_args=; RC_SVCNAME=device-cloud',
  'checkpath() { echo "checkpath $*"; }; ebegin() { :; }; eend() { :; }',
].join('\n')
// A function cannot have the name of the program in every shell; a variable can be printed.
const printed = (script: string) => script.replace('supervise-daemon "$RC_SVCNAME"', 'echo "$supervisor" "$RC_SVCNAME"')

test('the script for OpenRC names the command and its user, makes the state folder, and signals through the supervisor', t => {
  const after = 'echo "$command $command_args"; echo "$command_user"; echo "$respawn_max"; start_pre; reload'
  const said = shell(t, openrcStandIns, printed(openrcScript(defaultPlan)), after)
  assert.deepEqual(said.trim().split('\n'), [
    '/usr/bin/device-cloud manager -c /etc/device-cloud -i device_manager -s',
    'root',
    '0',
    'checkpath --directory --mode 0750 --owner root /var/lib/device-cloud',
    'supervise-daemon device-cloud --signal HUP',
  ])
})

test('under OpenRC the manager of a named user is started by the loop that is root', t => {
  const after = `echo "$command $command_args"; echo "\${command_user-nobody}"; echo "$EXE $RUN_AS $PENDING"`
  const said = shell(t, openrcStandIns, printed(openrcScript(plan)), after)
  assert.deepEqual(said.trim().split('\n'), [
    '/bin/sh /etc/init.d/device-cloud supervise',
    'nobody',
    '/usr/bin/device-cloud cloud /var/lib/device-cloud-root/results/pending.json',
  ])
})

const hostile = {
  PATH: process.env.PATH,
  OPENSSL_CONF: '/tmp/x',
  SSL_CERT_FILE: '/tmp/x',
  NODE_OPTIONS: '--require /tmp/x.js',
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_OF_THE_FUTURE: '1',
  LD_LIBRARY_PATH: '/tmp',
  LD_DEBUG_OUTPUT: '/tmp/x',
}

function assertClean(environment: string): void {
  assert.doesNotMatch(environment, /^(?:NODE_|LD_|OPENSSL_|SSL_)/m)
}

const becoming: readonly [what: string, missing: readonly string[]][] = [
  ['setpriv of util-linux', []],
  ['start-stop-daemon', ['setpriv']],
  ['su of BusyBox', ['setpriv', 'start-stop-daemon']],
]
for (const [program, missing] of becoming)
  test(`the loop becomes the manager of a named user by ${program}, with the pid that was started`, needsRoot, t => {
    if (findProgram('busybox') === undefined)
      return t.skip('busybox is missing; install the Debian package busybox-static')
    const folder = tempDir(t)
    chmodSync(folder, 0o755)
    const manager = join(folder, 'manager')
    writeFileSync(manager, '#!/bin/sh\necho $$ $(id -un) $(id -gn) "$*"\n', { mode: 0o755 })
    // A shell that finds a program of that name which is none.
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    for (const name of missing)
      writeFileSync(join(bin, name), '#!/bin/sh\necho not found >&2; exit 127\n', { mode: 0o755 })
    // That of util-linux starts another process; it never comes without setpriv.
    writeFileSync(join(bin, 'su'), '#!/bin/sh\nexec busybox su "$@"\n', { mode: 0o755 })
    const settings = `PATH=${bin}:$PATH\nEXE=${manager}\nCONFIG=/etc/x\nRUN_AS=nobody\nARGS="-i a -s"`
    const loop = supervisorLoop(plan, '$STATE')
    const said = shell(t, '', `set +eu\n${settings}\n${loop}`, 'manager &\necho $!; wait').trim().split('\n')
    const group = spawnSync('id', ['-gn', 'nobody'], { encoding: 'utf8' }).stdout.trim()
    const pid = said.find(line => /^\d+$/.test(line))
    assert.deepEqual(
      said.filter(line => line !== pid),
      [`${pid} nobody ${group} manager -c /etc/x -i a -s`],
    )
  })

test('no service file lets the environment of its caller reach the manager', t => {
  for (const text of [sysvScript(defaultPlan), openrcScript(defaultPlan), openrcScript(plan), procdScript(plan)]) {
    const path = join(tempDir(t), 'script')
    // Everything above the commands of the script.
    writeFileSync(path, `${text.slice(0, text.indexOf('\nLONGEST_PAUSE') + 1 || text.indexOf('\ndepend') + 1)}\nenv\n`)
    const { stdout } = spawnSync('/bin/sh', [path], { encoding: 'utf8', env: hostile })
    assert.match(stdout, /^PATH=/m)
    assertClean(stdout)
  }
  const unset = [...systemdUnit(plan).matchAll(/^UnsetEnvironment=(.*)$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  for (const name of Object.keys(hostile))
    assert.equal(unset.includes(name), name !== 'PATH' && name !== 'NODE_OF_THE_FUTURE', name)
})

test('the programs of whoever becomes root without a login of root’s own are not those of the script', t => {
  const path = join(tempDir(t), 'script')
  const text = sysvScript(defaultPlan)
  writeFileSync(path, `${text.slice(0, text.indexOf('\nSELF='))}\nenv\n`)
  const env = { ...hostile, PATH: `/home/pi/bin:${process.env.PATH ?? ''}` }
  const { stdout } = spawnSync('/bin/sh', [path], { encoding: 'utf8', env })
  assert.match(stdout, /^PATH=/m)
  assert.doesNotMatch(stdout, /home\/pi/)
})

test("the owner's own file of settings may set such a variable all the same", t => {
  const settings = join(tempDir(t), 'settings')
  writeFileSync(settings, 'export LD_LIBRARY_PATH=/opt/lib\n')
  const text = sysvScript(defaultPlan).replaceAll('/etc/default/device-cloud', settings)
  const path = join(tempDir(t), 'script')
  writeFileSync(path, `${text.slice(0, text.indexOf('\nSELF='))}\nenv\n`)
  const { stdout } = spawnSync('/bin/sh', [path], { encoding: 'utf8', env: hostile })
  assert.match(stdout, /^LD_LIBRARY_PATH=\/opt\/lib$/m)
})

test('every service file keeps core dumps off flash and new files from others', () => {
  for (const one of [defaultPlan, plan]) {
    for (const text of [sysvScript(one), openrcScript(one), procdScript(one)]) assert.match(text, /ulimit -c 0/)
    assert.match(sysvScript(one), /umask 027/)
    assert.match(openrcScript(one), /--umask 027/)
    assert.match(procdScript(one), /umask 027/)
    assert.match(systemdUnit(one), /^UMask=0027$/m)
    assert.match(systemdUnit(one), /^LimitCORE=0$/m)
  }
})

test('systemd runs what the manager asks of root as root, and only for a named user', () => {
  const text = systemdUnit({ ...plan, notifies: false })
  assert.match(text, /^ExecStartPre=-\+\/bin\/sh -c '.*root-request\.json.*pending\.json.* root-step --patience 20'$/m)
  assert.match(text, /^ExecStopPost=-\+\/bin\/sh -c '.*root-request\.json.* root-step --power-only'$/m)
  assert.match(text, /^RestartForceExitStatus=SIGHUP 76$/m)
  assert.match(text, /^TimeoutStartSec=infinity$/m)
  for (const one of [defaultPlan, { ...plan, asksRoot: false }])
    assert.doesNotMatch(systemdUnit(one), /root-step|ROOT_SIDE|infinity| 76/)
})

test('systemd finds nothing to say against the units', t => {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0)
    return t.skip('systemd-analyze is missing; install the Debian package systemd')
  for (const [name, one] of Object.entries({ root: defaultPlan, named: { ...plan, user: 'daemon' } })) {
    const path = join(tempDir(t), `device-cloud-${name}.service`)
    // Programs and documents of a device are not here.
    const text = systemdUnit({ ...one, executable: '/bin/true' }).replace(/^Documentation=.*\n/m, '')
    writeFileSync(path, text)
    const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' })
    const own = `${stdout}${stderr}`.split('\n').filter(line => line.includes(`device-cloud-${name}`))
    // What this version does not know yet, it passes over.
    assert.deepEqual(
      own.filter(line => !/Unknown key.*'(?:RestartSteps|RestartMaxDelaySec)'/.test(line)),
      [],
    )
  }
})

test('the unit for systemd holds a named user tight, and root no tighter than a device manager can bear', () => {
  const named = systemdUnit(plan)
  for (const line of ['User=cloud', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet='])
    assert.ok(named.includes(`\n${line}\n`), line)
  assert.ok(named.includes('\nReadWritePaths=-/etc/device-cloud -/var/lib/device-cloud\n'))
  const root = systemdUnit(defaultPlan)
  assert.doesNotMatch(
    root,
    /^(?:User|NoNewPrivileges|Capability|Protect|Private|Restrict(?!Force|art)|Lock|SystemCall)/m,
  )
  for (const line of [
    'Type=notify',
    'WatchdogSec=300',
    'KillMode=process',
    'OOMPolicy=continue',
    'Restart=on-failure',
    'StartLimitIntervalSec=0',
    'StateDirectory=device-cloud',
  ])
    assert.ok(root.includes(`\n${line}\n`), line)
})

test('systemd is asked to make only a state folder that is below /var/lib', () => {
  assert.doesNotMatch(systemdUnit({ ...plan, stateDir: '/data/state' }), /StateDirectory/)
})

test('every script is one for a POSIX shell', t => {
  for (const text of [sysvScript(plan), openrcScript(plan), procdScript(plan)]) {
    const path = join(tempDir(t), 'script')
    writeFileSync(path, text)
    const { status, stderr } = spawnSync('/bin/sh', ['-n', path], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.doesNotMatch(text, /\[\[|\bfunction |\blocal /)
  }
})

test('a service file says what was added with it; a file of another author says nothing', () => {
  const additions = [
    { kind: 'folder', path: '/etc/device-cloud' },
    { kind: 'file', path: '/etc/device-cloud/iot.cfg', sum: 'ab12' },
    { kind: 'link', path: '/etc/init.d/S90device-cloud', leadsTo: 'device-cloud' },
  ] as const
  assert.deepEqual(additionsOf(withAdditions(sysvScript(plan), additions)), additions)
  assert.equal(additionsOf(sysvScript(plan)), undefined)
  assert.deepEqual(additionsOf(withAdditions('', []).concat('# + file /etc/../passwd 00\n# + folder etc\n')), [])
})
