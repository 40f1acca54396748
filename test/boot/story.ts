// SPDX-License-Identifier: Apache-2.0
/** A day of a device, the same on every target. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TargetName } from '../../build/target.ts'
import { eventually } from '../helpers/eventually.ts'
import type { LocalCloud } from '../helpers/local-cloud.ts'
import type { EmulatedMachine } from './machine.ts'
import { memoryLine, memoryOf } from './memory.ts'
import { type BootScene, bootScene, login, timeoutMs } from './scene.ts'

interface Budget {
  readonly idleMb: number
  /** What was called for the first time stays compiled. */
  readonly usedMb: number
}

/** Private_Dirty of the manager over TLS, as the README promises it: idle, and when it has been used and is idle again. */
const budgets: Readonly<Record<TargetName, Budget>> = {
  x64: { idleMb: 18.5, usedMb: 20 },
  arm64: { idleMb: 18.5, usedMb: 20 },
  armv7: { idleMb: 10, usedMb: 11 },
}
/** Looks that must find the budget kept, one after the other. */
const looks = 5
const lookEveryS = 5
/** The manager collects garbage half a minute after its start, and after a burst when a minute has passed since the last time. */
const budgetTimeoutMs = 240_000
const calls = 55
const supervisor = '/etc/init.d/device-cloud'

/** Declares the tests of a target. `smallMb`: the least memory with which such a device works. */
export function bootStory(name: TargetName, smallMb: number): void {
  test(`an emulated ${name} device`, async t => {
    const scene = await bootScene(t, name)
    if (scene === undefined) return
    await t.test('comes online at boot, idles in its budget, is respawned, reboots and is switched off', t =>
      dayOfDevice(t, scene, name),
    )
    await t.test(`with ${smallMb} MB of memory works, and sends a file`, t => smallDevice(t, scene, smallMb))
  })
}

async function dayOfDevice(t: TestContext, scene: BootScene, name: TargetName): Promise<void> {
  const { cloud } = scene
  const key = `${name}-device_manager`
  const machine = await scene.switchOn(t, name, 256)
  const first = await login(cloud, key)
  assert.match(await machine.run(`${supervisor} status`), /device-cloud runs/)
  const status = JSON.parse(await machine.run('device-cloud status -c /etc/device-cloud --json'))
  assert.deepEqual([status.link.state, status.thingKey], ['up', key])

  await settled(cloud, key)
  const attributes = (await cloud.ask('thing.find', { key })).attrs
  assert.equal(attributes.hostname.value, 'pump')

  await byHand(machine)

  // What dies is started again.
  await machine.run(`kill -9 ${await managerPid(machine)}`)
  await login(cloud, key, first.seq)
  await idle(t, scene, machine, name)
  const cold = await startSeconds(cloud, machine, key, { isCold: true })
  const warm = await startSeconds(cloud, machine, key, { isCold: false })
  t.diagnostic(`${name}, start to login: cold ${cold} s, warm ${warm} s`)
  const seq = await cloud.mark()
  assert.equal((await cloud.exec(key, 'ping')).params?.response, 'acknowledged')

  const reboot = await cloud.exec(key, 'reboot_device', {}, { ackTimeout: 60 })
  assert.ok(reboot.success, reboot.errorMessages?.[0])
  await machine.until(/boot: everything was stopped/, { timeoutMs })
  await machine.until(/boot: services were started/g, { times: 2, timeoutMs })
  await login(cloud, key, seq)
  assert.equal((await cloud.exec(key, 'ping')).params?.response, 'acknowledged')

  const shutdown = await cloud.exec(key, 'shutdown_device', {}, { ackTimeout: 60 })
  assert.ok(shutdown.success, shutdown.errorMessages?.[0])
  assert.equal(await machine.ended, 0, 'it switched itself off')
  // Neither action ran twice: the device booted twice and no more, and each was answered once.
  assert.equal([...machine.said.matchAll(/boot: services were started/g)].length, 2)
  const acks = await cloud.transcript({ thingKey: key, direction: 'in', command: 'mailbox.ack' })
  assert.equal(acks.length, calls + 4, 'pings, ping, reboot, ping, shutdown')
  assert.doesNotMatch(machine.said, /panic|cannot load|cannot mount/)
}

/**
 * Within the budget when the start has settled, and again after a burst of calls: each time for several looks in a row.
 * From its second start on the agent knows which of the public certificates it needs.
 */
async function idle(t: TestContext, scene: BootScene, machine: EmulatedMachine, name: TargetName): Promise<void> {
  const { idleMb, usedMb } = budgets[name]
  const holds = async (when: string, maxMb: number) =>
    t.diagnostic(`${name}, ${when}: ${await budgetLine(machine, when, maxMb)}`)
  await holds('idle over TLS', idleMb)
  for (let call = 0; call < calls; call++)
    await scene.cloud.exec(`${name}-device_manager`, 'ping', {}, { ackTimeout: 60 })
  await holds(`after ${calls} actions`, usedMb)
}

/** The figures of a manager that has kept to a budget for several looks. */
async function budgetLine(machine: EmulatedMachine, when: string, maxMb: number): Promise<string> {
  const pid = await managerPid(machine)
  let figures = await memoryOf(machine, pid)
  let within = 0
  const holds = async () => {
    await machine.run(`sleep ${lookEveryS}`)
    figures = await memoryOf(machine, pid)
    within = figures.privateDirty <= maxMb * 1024 ? within + 1 : 0
    return within === looks
  }
  await eventually(`the memory budget held ${when}`, holds, budgetTimeoutMs).catch(error => {
    throw new Error(`${error.message}: ${memoryLine(figures)}`)
  })
  return memoryLine(figures)
}

/** From the order to start the service until the cloud hears its login. `isCold`: the executable is on the disk alone. */
async function startSeconds(
  cloud: LocalCloud,
  machine: EmulatedMachine,
  key: string,
  { isCold }: { readonly isCold: boolean },
): Promise<string> {
  await machine.run(`${supervisor} stop`)
  if (isCold) await machine.run('echo 3 >/proc/sys/vm/drop_caches')
  const since = await cloud.mark()
  const startMs = performance.now()
  await machine.run(`${supervisor} start`)
  await login(cloud, key, since)
  return ((performance.now() - startMs) / 1000).toFixed(1)
}

/** Started without the environment of the service: no thread of the kernel polls for it, which would take a whole processor. */
async function byHand(machine: EmulatedMachine): Promise<void> {
  const application = "require('fs').readFile('/etc/hosts', () => { console.log('ready'); setInterval(() => {}, 1e9) })"
  await machine.run(`echo "${application}" >/tmp/idle.cjs`)
  await machine.run('(env -i /usr/bin/device-cloud run /tmp/idle.cjs >/tmp/idle.out 2>&1 & echo $! >/tmp/idle.pid)')
  await machine.run('until grep -q ready /tmp/idle.out; do sleep 0.2; done')
  const inside = await machine.run('ls -l /proc/$(cat /tmp/idle.pid)/fd; cat /proc/$(cat /tmp/idle.pid)/task/*/comm')
  assert.match(inside, /eventpoll/)
  assert.doesNotMatch(inside, /iou-sqp/)
  await machine.run('kill $(cat /tmp/idle.pid)')
}

async function smallDevice(t: TestContext, scene: BootScene, memoryMb: number): Promise<void> {
  const { cloud } = scene
  const machine = await scene.switchOn(t, 'small', memoryMb)
  const key = 'small-device_manager'
  await login(cloud, key)
  await settled(cloud, key)
  const figures = await memoryOf(machine, await managerPid(machine))
  t.diagnostic(`with ${memoryMb} MB: ${memoryLine(figures)}`)
  assert.equal((await cloud.exec(key, 'ping', {}, { ackTimeout: 120 })).params?.response, 'acknowledged')
  const folder = '/var/lib/device-cloud/upload'
  await machine.run(`mkdir -p ${folder} && head -c 100000 /dev/urandom >${folder}/record.bin`, timeoutMs)
  const up = await cloud.exec(key, 'file_upload', { file_name: 'record.bin' }, { ackTimeout: 120 })
  assert.ok(up.success, up.errorMessages?.[0])
  assert.doesNotMatch(await machine.run('dmesg', timeoutMs), /Out of memory/)
}

async function managerPid(machine: EmulatedMachine): Promise<number> {
  return Number(await machine.run(`ps | sed -n 's#^ *\\([0-9]*\\) .* [/]usr/bin/device-cloud manager.*#\\1#p'`))
}

/** Until what a start publishes has arrived. */
async function settled(cloud: LocalCloud, key: string): Promise<void> {
  const probe = async () => {
    const { attrs } = await cloud.ask('thing.find', { key })
    return attrs.hostname !== undefined && attrs.remote_access_support !== undefined
  }
  await eventually('the facts of the device', probe, timeoutMs)
}
