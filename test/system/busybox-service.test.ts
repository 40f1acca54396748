// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaultPlan } from '../../src/manager/service/service-plan.ts'
import { sysvScript } from '../../src/manager/service/sysv-script.ts'
import { BusyboxDevice } from '../helpers/busybox-device.ts'
import { eventually } from '../helpers/eventually.ts'
import { executable } from '../helpers/executable.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'

const script = '/etc/init.d/device-cloud'
const pidFile = '/var/run/device-cloud.pid'
const thingKey = 'board-7-device_manager'

interface Scene {
  readonly device: BusyboxDevice
  readonly cloud: LocalCloud
}

async function scene(t: TestContext): Promise<Scene | undefined> {
  const device = BusyboxDevice.make(t, await executable(t))
  if (device === undefined) return undefined
  const cloud = await startCloud(t)
  device.write('/etc/device-cloud/device_id', 'board-7\n')
  device.write('/etc/device-cloud/iot-connect.cfg', connectionFile(cloud), 0o600)
  device.write('/etc/device-cloud/ca.pem', readFileSync(cloud.ca, 'utf8'))
  return { device, cloud }
}

function connectionFile({ host, mqtts, token }: LocalCloud): string {
  const settings = { cloud: { host, port: mqtts, token, transport: 'mqtts' }, ca_bundle_file: 'ca.pem' }
  return JSON.stringify(settings)
}

function install({ device }: Scene, ...flags: string[]): void {
  const answer = device.run('/usr/bin/device-cloud', 'service', 'install', ...flags)
  assert.equal(answer.code, 0, answer.text)
}

function command({ device }: Scene, word: string, code = 0): string {
  const answer = device.run(script, word)
  assert.equal(answer.code, code, `${word}: ${answer.text}`)
  return answer.text
}

function supervisorPid({ device }: Scene): string {
  return device.run('cat', pidFile).text.trim()
}

/** Pids of the managers that run on the device. */
function managers({ device }: Scene): string[] {
  return device
    .run('pidof', 'device-cloud')
    .text.split(/\s+/)
    .filter(word => word !== '')
}

async function connectedAfter({ cloud }: Scene, mark: number): Promise<void> {
  await cloud.heard({ since: mark, kind: 'event', topic: 'login', thingKey })
  await cloud.waitForThing(thingKey)
}

test('a BusyBox device boots, its service connects, is respawned, reloaded, restarted and stopped', async t => {
  const s = await scene(t)
  if (s === undefined) return
  const { device, cloud } = s
  install(s)
  await device.boot(t)
  await cloud.waitForThing(thingKey)
  const first = supervisorPid(s)
  assert.match(command(s, 'status'), new RegExp(`runs \\(supervisor ${first}\\)`))

  await t.test('a second start changes nothing', () => {
    assert.match(command(s, 'start'), /runs already/)
    assert.equal(supervisorPid(s), first)
    assert.equal(managers(s).length, 1)
  })

  await t.test('a killed manager is started again by the same supervisor', async () => {
    const [killed = ''] = managers(s)
    const mark = await cloud.mark()
    device.run('kill', '-KILL', killed)
    await connectedAfter(s, mark)
    assert.equal(supervisorPid(s), first)
    assert.notDeepEqual(managers(s), [killed])
    assert.match(device.run('cat', '/var/run/device-cloud/last-end').text, /ended with 137, starts again in 1 s/)
  })

  await t.test('a reload reaches the manager, which stays the same process', async () => {
    const before = managers(s)
    const mark = await cloud.mark()
    device.write('/etc/device-cloud/attributes.cfg', '{"publish_attribute":{"colour":"red"}}')
    command(s, 'reload')
    await cloud.heard({ since: mark, direction: 'in', contains: 'colour' })
    assert.deepEqual(managers(s), before)
  })

  await t.test('a restart ends one supervisor and starts another', async () => {
    const before = managers(s)
    const mark = await cloud.mark()
    command(s, 'restart')
    await connectedAfter(s, mark)
    assert.notEqual(supervisorPid(s), first)
    assert.equal(managers(s).length, 1)
    assert.notDeepEqual(managers(s), before)
  })

  await t.test('the manager of a killed supervisor is found and ended by stop', async () => {
    device.run('kill', '-KILL', supervisorPid(s))
    // The sender of a signal does not learn when the process has ended.
    await eventually('the end of the supervisor', () => device.run(script, 'status').code !== 0)
    assert.equal(managers(s).length, 1)
    assert.match(command(s, 'status', 1), /does not run, and was not stopped/)
    command(s, 'stop')
    assert.deepEqual(managers(s), [])
    await cloud.waitForThing(thingKey, { connected: false })
  })

  await t.test('a stopped service says so and leaves no pid file', () => {
    assert.match(command(s, 'status', 3), /is stopped/)
    assert.equal(existsSync(join(device.root, pidFile)), false)
    command(s, 'reload', 7)
    command(s, 'stop')
    assert.equal(device.run(script).code, 2)
  })

  await t.test('a broken configuration is tried again later, and at once after a reload', async () => {
    device.write('/etc/device-cloud/iot-connect.cfg', '{"cloud":{"host":""}}', 0o600)
    assert.match(command(s, 'start', 1), /does not come up.*ended with 3, .*cloud\.token is missing/)
    const lastEnd = () => device.run('cat', '/var/run/device-cloud/last-end').text
    const failedTwice = /ended with 3, starts again in 2 s: device-cloud: .*cloud\.token is missing/
    await eventually('two failures', () => failedTwice.test(lastEnd()))
    const loop =
      /\(crash loop\): restarted [2-9] times in a row, last exit code 3, last words in \/var\/run\/device-cloud\/last-end: /
    assert.match(command(s, 'status', 1), loop)
    assert.match(command(s, 'start'), /runs already/)
    const again = device.run('/usr/bin/device-cloud', 'service', 'install')
    assert.match(again.text, /Nothing was changed, and it runs; to restart it: \/etc\/init\.d\/device-cloud restart/)
    device.write('/etc/device-cloud/iot-connect.cfg', connectionFile(cloud), 0o600)
    command(s, 'reload')
    await cloud.waitForThing(thingKey)
    command(s, 'stop')
    assert.deepEqual(managers(s), [])
  })

  await t.test('uninstalling stops it and takes away what the installation brought, nothing else', async () => {
    const mark = await cloud.mark()
    command(s, 'start')
    await connectedAfter(s, mark)
    const answer = device.run('/usr/bin/device-cloud', 'service', 'uninstall')
    assert.equal(answer.code, 0, answer.text)
    assert.deepEqual(managers(s), [])
    for (const path of [script, '/etc/init.d/S90device-cloud', '/etc/device-cloud/iot.cfg'])
      assert.equal(existsSync(join(device.root, path)), false, path)
    assert.ok(existsSync(join(device.root, '/etc/device-cloud/iot-connect.cfg')))
    assert.match(answer.text, /Left \/var\/lib\/device-cloud: is not empty/)
  })
})

test('the installed script names the executable itself, however it was called', async t => {
  const device = BusyboxDevice.make(t, await executable(t))
  if (device === undefined) return
  await device.boot(t)
  for (const words of ['ln -s /usr/bin/device-cloud /tmp/dc; /tmp/dc', 'cd /usr/bin; ./device-cloud', 'device-cloud']) {
    const answer = device.sh(`${words} service install`)
    assert.equal(answer.code, 0, answer.text)
    assert.match(device.run('cat', script).text, /^EXE=\/usr\/bin\/device-cloud$/m)
  }
})

test('the supervisor starts again at once after 75, after a pause when it failed, and ends with 0', t => {
  const device = BusyboxDevice.make(t, '/bin/true')
  if (device === undefined) return
  const manager = [
    '#!/bin/sh',
    'echo "$* $DEVICE_CLOUD_QUEUE_DIRECTORY" >>/tmp/runs',
    'case $(wc -l </tmp/runs) in 1) exit 75 ;; 2) printf "\\\\\\\\033[2J\\033[2Jout of luck\\n" >&2; exit 1 ;; esac',
  ]
  device.write('/usr/bin/device-cloud', manager.join('\n'), 0o755)
  device.write(script, sysvScript(defaultPlan), 0o755)
  device.write('/etc/default/device-cloud', 'STATE=/data\nARGS="-i other"\n')
  device.write(pidFile, '1\n')
  device.sh('mkdir /var/run/device-cloud')
  assert.deepEqual(device.run(script, 'supervise'), { code: 0, text: '' })
  const runs = device.run('cat', '/tmp/runs').text
  assert.equal(runs, 'manager -c /etc/device-cloud -i other /data/queue\n'.repeat(3))
  assert.equal(
    device.run('cat', '/var/run/device-cloud/last-end').text,
    'device manager ended with 1, starts again in 1 s: \\033[2J[2Jout of luck\n',
  )
  assert.equal(existsSync(join(device.root, pidFile)), false)
})

test('whoever asks meanwhile never reads half of what the supervisor knows', async t => {
  const device = BusyboxDevice.make(t, '/bin/true')
  if (device === undefined) return
  // It asks to be started again without end, so that the supervisor writes as often as it can.
  device.write('/usr/bin/device-cloud', '#!/bin/sh\nexit 75\n', 0o755)
  device.write(script, sysvScript(defaultPlan), 0o755)
  await device.boot(t)
  device.sh(`setsid /bin/sh ${script} supervise </dev/null >/dev/null 2>&1 & echo $! >${pidFile}`)
  device.sh('mkdir -p /var/run/device-cloud')
  await eventually(
    'the first word of the supervisor',
    () => device.run('test', '-s', '/var/run/device-cloud/run').code === 0,
  )
  const half = 'words=; read -r words </var/run/device-cloud/run; case $words in *" "*" "*) ;; *) echo "$words" ;; esac'
  const answer = device.sh(`read=0; while [ $read -lt 5000 ]; do ${half}; read=$((read + 1)); done | wc -l`)
  assert.deepEqual(answer, { code: 0, text: '0\n' })
  device.run(script, 'stop')
})

test('of a service that is stopped nothing is left, however fast its manager ends', async t => {
  const device = BusyboxDevice.make(t, '/bin/true')
  if (device === undefined) return
  device.write('/usr/bin/device-cloud', '#!/bin/sh\necho up >&3\nexec tail -f /dev/null\n', 0o755)
  // What waits for its time would be there to the end of the test.
  const patient = sysvScript(defaultPlan).replace('LONGEST_STOP=30', 'LONGEST_STOP=3600')
  device.write(script, patient, 0o755)
  await device.boot(t)
  for (let round = 0; round < 20; round++) for (const word of ['start', 'stop']) device.run(script, word)
  const left = () => device.sh('ps -o args | grep "[s]upervise\\|[s]leep"').text
  await eventually('the end of all', () => left() === '')
})

test('the service of a named user runs as that user, and a shell of root starts, watches and stops it', async t => {
  const s = await scene(t)
  if (s === undefined) return
  const { device, cloud } = s
  install(s, '--user', 'cloud')
  await device.boot(t)
  await cloud.waitForThing(thingKey)
  const owners = device.sh(
    `for p in ${supervisorPid(s)} ${managers(s).join(' ')}; do grep Uid: /proc/$p/status; done`,
  ).text
  assert.deepEqual(owners.trim().split('\n'), ['Uid:\t0\t0\t0\t0', 'Uid:\t1234\t1234\t1234\t1234'])
  command(s, 'stop')
  assert.deepEqual(managers(s), [])

  await t.test('a start gives the user no folder to which a link of his leads', () => {
    device.sh(
      'mkdir -p /home/cloud /srv/lib && chown cloud /home/cloud && su -s /bin/sh cloud -c "ln -s /srv /home/cloud/x"',
    )
    device.sh('mkdir -p /etc/default && echo STATE=/home/cloud/x/lib >/etc/default/device-cloud')
    command(s, 'start')
    assert.equal(device.sh('stat -c %u /srv/lib').text.trim(), '0')
    command(s, 'stop')
  })
})
