import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { runProgram } from '../../src/platform/program.ts'
import { connectedScene } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { executable } from '../helpers/executable.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { writePackage } from '../helpers/update-packages.ts'

test('the agent replaces itself, and only by one that has reached the cloud', async t => {
  const built = await executable(t)
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const own = device.path('device-cloud')
  copyFileSync(built, own)
  chmodSync(own, 0o755)

  const shelf = tempDir(t)
  mkdirSync(join(shelf, 'good'))
  copyFileSync(built, join(shelf, 'good/device-cloud'))
  writeFileSync(
    join(shelf, 'good/update.json'),
    JSON.stringify({ install: 'true', agent: 'device-cloud', error_action: 'true' }),
  )
  const args = ['-c', 'tar -cf - -C good . | gzip -1 >good.tar.gz']
  const packed = await runProgram({
    file: '/bin/sh',
    args,
    folder: shelf,
    timeoutMs: 60_000,
    maxOutputBytes: 1000,
    clock: systemClock,
  })
  assert.equal(packed.exitCode, 0, packed.stderr)
  const manifest = { install: 'true', agent: './agent', error_action: 'echo undone' }
  const liar = {
    name: 'agent',
    content: '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no way out" >&2\nexit 1\n',
    mode: 0o100755,
  }
  const { client } = await connectedScene(t, cloud, { appId: 'shop' })
  await client.files.upload(join(shelf, 'good.tar.gz'), { global: true })
  await client.files.upload(writePackage(shelf, 'liar.zip', manifest, [liar]), { global: true })
  const alien = { name: 'agent', content: '\u007fELF of another machine', mode: 0o100755 }
  await client.files.upload(writePackage(shelf, 'alien.zip', manifest, [alien]), { global: true })
  await client.disconnect()

  let log = ''
  const child: ChildProcess = spawn(own, ['manager', '-i', 'device_manager_py'], {
    cwd: device.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr?.on('data', part => {
    log += String(part)
  })
  t.after(() => child.kill('SIGKILL'))
  const key = device.thingKey
  await cloud.waitForThing(key)
  const update = (name: string) => cloud.exec(key, 'software_update', { package: name }, { ackTimeout: 120 })
  const inode = () => statSync(own).ino

  const before = inode()
  for (const [name, why] of [
    ['alien.zip', /new agent failed: the new agent does not start on this device/],
    ['liar.zip', /new agent failed: the new agent did not reach the cloud on probation: exit code 1: no way out/],
  ] as const) {
    const reply = await update(name)
    assert.match(reply.errorMessages?.[0] ?? '', why, log)
    assert.equal(inode(), before)
    assert.ok(!existsSync(`${own}.new`))
    await eventually('the end', () => !existsSync(device.path('runtime/.otalock')))
  }

  const reply = await update('good.tar.gz')
  assert.ok(reply.success, `${reply.errorMessages?.[0]}\n${log}`)
  assert.notEqual(inode(), before)
  assert.ok(!existsSync(`${own}.new`))
  assert.ok((await cloud.exec(key, 'ping')).success)
  assert.match(log, /the new agent has reached the cloud; it takes over/)
  // A process id that stays keeps the pid file of an init script right.
  assert.equal(child.exitCode, null)
})
