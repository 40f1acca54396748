// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { AgentError } from '../../../src/base/errors.ts'
import { findIdentity, loadIdentity } from '../../../src/config/identity.ts'
import { configFolder, pythonAgentFolder } from '../../helpers/config-folder.ts'
import { mountTmpfs } from '../../helpers/small-disk.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

async function refusal(work: Promise<unknown>): Promise<AgentError> {
  const error = await work.then(
    () => assert.fail('the identity was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof AgentError)
  return error
}

test('keeps the identity of a Python agent, without its line end', async t => {
  const { thingKey, created } = await loadIdentity({ configDir: pythonAgentFolder(t), appId: 'device_manager_py' })
  assert.equal(thingKey, '0a3c6d1e-7a55-4f2b-9b1e-3c2d1e0f9a8b-device_manager_py')
  assert.equal(created, false)
})

test('without an app id the thing key is the device id alone', async t => {
  const configDir = configFolder(t, { device_id: 'gate-7' })
  assert.equal((await loadIdentity({ configDir, appId: '' })).thingKey, 'gate-7')
})

test('makes a UUID once, and finds it again', async t => {
  const configDir = configFolder(t, {})
  assert.equal(await findIdentity({ configDir, appId: 'a' }), undefined)
  const made = await loadIdentity({ configDir, appId: 'a' })
  assert.match(made.deviceId, uuid)
  assert.equal(made.created, true)
  assert.equal(readFileSync(join(configDir, 'device_id'), 'utf8').trim(), made.deviceId)
  assert.equal((await loadIdentity({ configDir, appId: 'b' })).deviceId, made.deviceId)
  assert.deepEqual(readdirSync(configDir), ['device_id'])
})

test('an empty device_id gets a new UUID, and a warning says so', async t => {
  const configDir = configFolder(t, { device_id: ' \n' })
  const { deviceId, warnings } = await loadIdentity({ configDir, appId: 'a' })
  assert.match(deviceId, uuid)
  assert.match(warnings[0]?.problem ?? '', new RegExp(`was empty.*${deviceId}`))
})

/** Waits take no time. */
const hurriedClock: Clock = { ...systemClock, timer: (_delayMs, callback) => systemClock.timer(0, callback) }

test('finishes what a process left half done when it was ended while making the id', async t => {
  const left = '11111111-2222-4333-8444-555555555555'
  const configDir = configFolder(t, { 'device_id.new': `${left}\n` })
  assert.equal((await loadIdentity({ configDir, appId: 'a', clock: hurriedClock })).deviceId, left)
  const cut = configFolder(t, { 'device_id.new': '' })
  assert.match((await loadIdentity({ configDir: cut, appId: 'a', clock: hurriedClock })).deviceId, uuid)
})

for (const [what, files] of [
  ['missing', {}],
  ['empty', { device_id: '' }],
] as const) {
  test(`five processes that start at once with device_id ${what} end with the same one`, async t => {
    const configDir = configFolder(t, files)
    const identity = join(import.meta.dirname, '../../../src/config/identity.ts')
    const gate = join(configDir, 'go')
    const script = `
      import { existsSync } from 'node:fs'
      import { loadIdentity } from ${JSON.stringify(identity)}
      process.stdout.write('ready ')
      while (!existsSync(${JSON.stringify(gate)})) await new Promise(r => setImmediate(r))
      const { deviceId } = await loadIdentity({ configDir: ${JSON.stringify(configDir)}, appId: 'a' })
      process.stdout.write(deviceId)`
    writeFileSync(join(configDir, 'start.mts'), script)
    const outputs = await raceOf(t, 5, join(configDir, 'start.mts'), gate)
    const ids = new Set(outputs.map(output => output.replace('ready ', '')))
    assert.equal(ids.size, 1, [...ids].join())
    assert.match([...ids][0] ?? '', uuid)
    assert.equal(readFileSync(join(configDir, 'device_id'), 'utf8').trim(), [...ids][0])
  })
}

/** Starts all, opens the gate when each has said that it is ready, and returns what they wrote. */
async function raceOf(t: TestContext, count: number, script: string, gate: string): Promise<string[]> {
  let waiting = count
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<string>((resolve, reject) => {
          const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] })
          t.after(() => child.kill('SIGKILL'))
          let output = ''
          child.stdout.on('data', (part: Buffer) => {
            if (output === '' && --waiting === 0) writeFileSync(gate, '')
            output += part
          })
          child.on('close', code => (code === 0 ? resolve(output) : reject(new Error(`exit code ${code}`))))
        }),
    ),
  )
}

test('the thing key is measured in bytes, not in letters', async t => {
  const configDir = configFolder(t, { device_id: 'd'.repeat(36) })
  assert.equal((await loadIdentity({ configDir, appId: 'a'.repeat(27) })).thingKey.length, 64)
  const error = await refusal(loadIdentity({ configDir, appId: 'ä'.repeat(14) }))
  assert.equal(error.code, 'CONFIG_INVALID')
  assert.match(error.message, /65 bytes, and the cloud takes 64.*app id \(-i\) of at most 27 bytes/)
})

for (const [what, content] of [
  ['two lines', 'one\ntwo'],
  ['a space', 'one two'],
  ['a slash', 'a/b'],
  ['bytes that are no text', '\u0000\u0001'],
] as const) {
  test(`refuses a device_id with ${what}`, async t => {
    const configDir = configFolder(t, { device_id: content })
    const error = await refusal(loadIdentity({ configDir, appId: 'a' }))
    assert.equal(error.code, 'CONFIG_INVALID')
    assert.match(error.message, /device_id:1: holds a text that cannot be a device id/)
  })
}

test('a device_id that is a folder is a mistake in the configuration', async t => {
  const configDir = configFolder(t, {})
  mkdirSync(join(configDir, 'device_id'))
  const error = await refusal(loadIdentity({ configDir, appId: 'a' }))
  assert.match(error.message, /not a regular file/)
})

test('a read-only folder without device_id says what to do', async t => {
  const configDir = mountTmpfs(t, { readOnly: true })
  if (configDir === undefined) return
  const error = await refusal(loadIdentity({ configDir, appId: 'a' }))
  assert.equal(error.code, 'CONFIG_INVALID')
  assert.match(error.message, /read-only.*Write a device id into that file yourself, or name a writable folder with -c/)
})

test('a full disk is told as such, and leaves no half file', async t => {
  const configDir = mountTmpfs(t, { full: true })
  if (configDir === undefined) return
  const before = readdirSync(configDir)
  assert.equal((await refusal(loadIdentity({ configDir, appId: 'a' }))).code, 'DISK_FULL')
  assert.deepEqual(readdirSync(configDir), before)
})
