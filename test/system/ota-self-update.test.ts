// SPDX-License-Identifier: Apache-2.0
/** The agent replaces itself: the new executable runs as the manager before it takes the place of the old one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { processIdentity } from '../../src/platform/process/process-identity.ts'
import { eventually } from '../helpers/eventually.ts'
import { executable } from '../helpers/executable.ts'
import { selfUpdateScene } from '../helpers/self-update-scene.ts'
import { leaveUpdate, onTrial } from '../helpers/update-journals.ts'

/** New agents that are none. Each of the two says at once what the look from beside wants to hear, or what it does not. */
const alien = '\u007fELF of another machine'
const liar = '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no way out" >&2\nexit 1\n'
const crasher = '#!/bin/sh\n[ "$1" = manager ] || exit 0\necho "libatomic.so.1 is missing" >&2\nexit 127\n'
/** One of a time when old and new spoke otherwise. */
const stranger = `#!/bin/sh\necho '{"version":"9.0.0","trial":{"least":7,"most":9}}'\n`
const undo = { error_action: 'touch ../../undone' }

test('the agent replaces itself, and only by one that has stood its trial as the manager', async t => {
  const built = await executable(t)
  const scene = await selfUpdateScene(t, { program: built, args: [], path: built })
  const { cloud, device } = scene
  await scene.offer(t, 'alien.tar.gz', undo, alien)
  await scene.offer(t, 'liar.tar.gz', undo, liar)
  await scene.offer(t, 'crasher.tar.gz', undo, crasher)
  await scene.offer(t, 'stranger.tar.gz', { ...undo, pre_install: 'touch ../../begun' }, stranger)
  // What the health check does is for each update to say.
  const health_check = { timeout: 12, command: 'eval "$HDC_EXTRA_PARAMS"' }
  await scene.offer(t, 'real.tar.gz', { ...undo, health_check }, { path: built })
  const old = scene.inode
  scene.start()
  await cloud.waitForThing(device.thingKey)

  const goesBack = async (
    name: string,
    why: RegExp,
    params: object = {},
    meanwhile: (id: string) => Promise<void> = async () => {},
  ) => {
    rmSync(device.path('undone'), { force: true })
    scene.log = ''
    const id = await scene.order(name, params)
    await meanwhile(id)
    const { errorCode, errorMessage } = await scene.answer(id)
    assert.notEqual(errorCode, 0)
    assert.match(errorMessage, why, scene.log)
    assert.equal(scene.inode, old, 'the old agent is in place')
    assert.ok(existsSync(device.path('undone')), 'error_action has run')
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
  }
  await t.test('one for another machine does not start', () =>
    goesBack('alien.tar.gz', /new agent failed: The new agent does not start on this device/),
  )
  await t.test(
    'one that speaks otherwise than this one on its trial is refused before anything is changed',
    async () => {
      const { errorCode, errorMessage } = await scene.answer(await scene.order('stranger.tar.gz'))
      assert.equal(errorCode, 18)
      assert.match(
        errorMessage,
        /unpack failed: .*it speaks versions 7 to 9 of the trial, and this one versions 1 to 2/,
      )
      assert.equal(scene.inode, old, 'the old agent is in place')
      assert.ok(!existsSync(device.path('begun')), 'no script has run')
    },
  )
  await t.test('one that does not reach the cloud does not get its trial', () =>
    goesBack(
      'liar.tar.gz',
      /new agent failed: the new agent did not reach the cloud in its preflight: exit code 1: no way/,
    ),
  )
  await t.test('one that ends again and again as the manager gives way to the old one', () =>
    goesBack(
      'crasher.tar.gz',
      /the trial run of the new agent as the device manager failed: it ended 3 times .* exit code 127: libatomic\.so\.1 is missing/,
    ),
  )
  await t.test('one that is not healthy gives way to the old one', () =>
    goesBack('real.tar.gz', /health check failed: exit code 1/, { extra_params: 'false' }),
  )
  await t.test('one that loses the cloud as the manager gives way to the old one', () =>
    goesBack('real.tar.gz', /health check failed: The agent did not reach the cloud within 12 s/, {}, async () => {
      await scene.says(/its trial run as the manager follows/)
      await cloud.fault('refuseLogin')
      await scene.says(/health check failed|a step of the update failed/)
      await cloud.clearFaults({ name: 'refuseLogin' })
    }),
  )
  await t.test('power cuts on trial, again and again: the third is the last', () =>
    goesBack('real.tar.gz', /it ended 3 times before it had a result/, { extra_params: 'sleep 5' }, async id => {
      for (let start = 1; start <= 3; start++) {
        await scene.trialProcess(id, start)
        await scene.kill(true)
        scene.start()
      }
    }),
  )
  await t.test('the death of the new one, and then of the old one, does not end the trial', async () => {
    scene.log = ''
    const before = scene.inode
    const id = await scene.order('real.tar.gz', { extra_params: 'sleep 1' })
    process.kill(await scene.trialProcess(id, 1), 'SIGKILL')
    const left = await scene.trialProcess(id, 2)
    // Now the new one alone is left, and ends by itself.
    await scene.kill(false)
    scene.start()
    assert.deepEqual(await scene.answer(id), { errorCode: 0, errorMessage: '' }, scene.log)
    assert.notEqual(scene.inode, before)
    assert.match(
      await processIdentity(left),
      / (ended|-) /,
      'it has ended, whether its parent has asked about it or not',
    )
  })
  await t.test('a healthy one takes the place of the old one, and the process stays', async () => {
    const before = scene.inode
    const id = await scene.order('real.tar.gz', { extra_params: 'true' })
    assert.deepEqual(await scene.answer(id), { errorCode: 0, errorMessage: '' }, scene.log)
    assert.notEqual(scene.inode, before)
    assert.ok((await cloud.exec(device.thingKey, 'ping')).success)
    // A process id that stays keeps the pid file of an init script right.
    assert.ok(scene.isAlive)
  })
})

test('told to end while the new one takes its place, the agent ends; the next start is one of the new', async t => {
  const built = await executable(t)
  const scene = await selfUpdateScene(t, { program: built, args: [], path: built })
  const { device } = scene
  await leaveUpdate(device.runtime, { step: 'adopt' })
  renameSync(device.path('runtime/ota/update.journal'), device.path('adopt.journal'))
  await leaveUpdate(device.runtime, onTrial)
  const script = 'printf x >>starts\nread -r line\ncp adopt.journal runtime/ota/update.journal\n'
  writeFileSync(`${scene.place}.new`, `#!/bin/sh\n${script}`, { mode: 0o755 })
  scene.start()
  await eventually('the trial', () => existsSync(device.path('starts')), 60_000)
  assert.equal(await scene.stop(), 0, scene.log)
  assert.match(readFileSync(scene.place, 'utf8'), /^#!.*\nprintf/, 'it is in place')
  assert.equal(device.read('starts'), 'x', 'it was not started again')
})

test('an agent that is started on trial in a way that it does not know ends, and has done nothing', async t => {
  const built = await executable(t)
  const { device, place } = await selfUpdateScene(t, { program: built, args: [], path: built })
  copyFileSync(place, `${place}.new`)
  const env = { ...process.env, DEVICE_CLOUD_ON_TRIAL: '7' }
  const { status, stderr } = spawnSync(`${place}.new`, ['manager', '-i', 'device_manager_py'], {
    cwd: device.folder,
    env,
    encoding: 'utf8',
  })
  assert.equal(status, 1)
  assert.match(stderr, /was started on trial in version 7, and it speaks versions 1 to 2\. Nothing is lost/)
  assert.ok(!existsSync(device.path('runtime/ota')))
})

test('the new agent that finds itself in place tells what is true, whichever build has put it there', async t => {
  const built = await executable(t)
  const scene = await selfUpdateScene(t, { program: built, args: [], path: built })
  const { cloud, device } = scene
  scene.start()
  await cloud.waitForThing(device.thingKey)
  await scene.stop()
  // As the first builds left it: they changed the executables before the health of the new one was known.
  await leaveUpdate(device.runtime, onTrial)
  mkdirSync(device.path('runtime/otapackage'), { recursive: true })
  copyFileSync(scene.place, device.path('runtime/otapackage/agent'))
  scene.start()
  await scene.says(/software update complete/)
  assert.doesNotMatch(scene.log, /software update failed|error action/)
})
