import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { additionsOf, withAdditions } from '../../../src/manager/service/additions.ts'
import { openrcScript } from '../../../src/manager/service/openrc-script.ts'
import { procdScript } from '../../../src/manager/service/procd-script.ts'
import { defaultPlan } from '../../../src/manager/service/service-plan.ts'
import { systemdUnit } from '../../../src/manager/service/systemd-unit.ts'
import { sysvScript } from '../../../src/manager/service/sysv-script.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const plan = { ...defaultPlan, user: 'cloud', appId: 'device_manager_py' }

/** Runs a script in a shell whose surroundings are `before`, and `after` behind it. */
function shell(t: TestContext, before: string, script: string, after: string): string {
  const path = join(tempDir(t), 'script')
  writeFileSync(path, `${before}\n${script}\n${after}\n`)
  chmodSync(path, 0o755)
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-eu', path], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

test('the script for procd hands procd the command, the environment, the user and endless respawning', t => {
  const before = [
    'mkdir() { :; }; chown() { echo "chown $*"; }',
    'procd_open_instance() { echo open; }; procd_close_instance() { echo close; }',
    'procd_set_param() { echo "$*"; }; procd_send_signal() { echo "signal $*"; }',
  ].join('\n')
  const said = shell(t, before, procdScript(plan), 'start_service; reload_service').trim().split('\n')
  assert.deepEqual(said, [
    'chown cloud /var/lib/device-cloud',
    'open',
    'command /usr/bin/device-cloud manager -c /etc/device-cloud -i device_manager_py',
    'env DEVICE_CLOUD_QUEUE_DIRECTORY=/var/lib/device-cloud/queue DEVICE_CLOUD_SUPERVISED=1 MALLOC_ARENA_MAX=1 UV_USE_IO_URING=0',
    'user cloud',
    'respawn 60 10 0',
    'term_timeout 30',
    'stdout 1',
    'stderr 1',
    'close',
    'signal device-cloud * HUP',
  ])
})

test('the script for OpenRC names the command and its user, makes the state folder, and signals through the supervisor', t => {
  const before = [
    'supervise_daemon_args=; RC_SVCNAME=device-cloud',
    'checkpath() { echo "checkpath $*"; }; ebegin() { :; }; eend() { :; }',
    'supervise-daemon() { echo "supervise-daemon $*"; }',
  ].join('\n')
  // A function cannot have that name in every shell; a variable can be printed.
  const script = openrcScript(plan).replace('supervise-daemon "$RC_SVCNAME"', 'echo "$supervisor" "$RC_SVCNAME"')
  const after = 'echo "$command $command_args"; echo "$command_user"; echo "$respawn_max"; start_pre; reload'
  assert.deepEqual(
    shell(t, before.replace(/^supervise-daemon\(\).*$/m, ''), script, after)
      .trim()
      .split('\n'),
    [
      '/usr/bin/device-cloud manager -c /etc/device-cloud -i device_manager_py -s',
      'cloud',
      '0',
      'checkpath --directory --mode 0750 --owner cloud /var/lib/device-cloud',
      'supervise-daemon device-cloud --signal HUP',
    ],
  )
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

test('a service file tells what was added with it; one of somebody else tells nothing', () => {
  const additions = [
    { kind: 'folder', path: '/etc/device-cloud' },
    { kind: 'file', path: '/etc/device-cloud/iot.cfg', sum: 'ab12' },
    { kind: 'link', path: '/etc/init.d/S90device-cloud', leadsTo: 'device-cloud' },
  ] as const
  assert.deepEqual(additionsOf(withAdditions(sysvScript(plan), additions)), additions)
  assert.equal(additionsOf(sysvScript(plan)), undefined)
  assert.deepEqual(additionsOf(withAdditions('', []).concat('# + file /etc/../passwd 00\n# + folder etc\n')), [])
})
