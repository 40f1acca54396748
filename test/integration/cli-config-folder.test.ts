// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, realpathSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { commandEntries } from '../../src/cli/commands.ts'
import { configDirFlag } from '../../src/cli/config/config-flags.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, ManagedDevice, makeDevice, RunningCommand } from '../helpers/managed-device.ts'
import { tempDir } from '../helpers/temp-dir.ts'

/** Command lines that are typed in `folder`, on a machine whose configuration is that of `system`. */
function shellIn(t: TestContext, folder: string, system: string) {
  const running: RunningCommand[] = []
  t.after(async () => {
    for (const { child } of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
  })
  return async (words: readonly string[], environment = { DEVICE_CLOUD_CONFIG_DIR: '' }) => {
    const script = 'test/integration/programs/of-system.ts'
    const command = new RunningCommand([system, ...words], folder, { script, environment })
    running.push(command)
    await command.closed
    const { code } = await command.ended
    return { code, out: command.out, err: command.err }
  }
}

test('every command that has a configuration looks for it in the same way', async () => {
  const own: string[] = []
  for (const { name, load } of commandEntries) {
    const { flags } = (await load()).command
    if (flags.some(flag => flag.name === configDirFlag.name) && !flags.includes(configDirFlag)) own.push(name)
  }
  assert.deepEqual(own, ['service install'], 'it says where the configuration of the device will be')
})

test('what runs as a service is found from everywhere, and what a folder has of its own comes first', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const device = makeDevice(t, cloud)
  const elsewhere = realpathSync(tempDir(t))
  const run = shellIn(t, elsewhere, device.folder)
  await device.start()
  const words = [
    ['status', '--json'],
    ['publish', 'telemetry', 'level', '1'],
    ['check', '-i', 'device_manager_py'],
    ['config', 'check'],
    ['config', 'show'],
  ]
  for (const line of words) {
    const { code, err } = await run(line)
    assert.deepEqual([code, line], [0, line], err)
  }
  const status = await run(['status', '--json'])
  assert.equal(JSON.parse(status.out).configDir, device.folder)

  const empty = realpathSync(tempDir(t))
  for (const [named, environment] of [
    [['-c', empty], { DEVICE_CLOUD_CONFIG_DIR: device.folder }],
    [[], { DEVICE_CLOUD_CONFIG_DIR: empty }],
  ] as const) {
    const { code, err } = await run(['status', ...named], environment)
    assert.equal(code, 4, err)
    assert.match(err, new RegExp(empty))
  }
  const own = new ManagedDevice(elsewhere, 'own')
  own.write('iot-connect.cfg', device.read('iot-connect.cfg'))
  const here = await run(['config', 'show', '--json'])
  assert.equal(JSON.parse(here.out).deviceId, undefined, 'the current folder, which has no device id yet')
  chmodSync(elsewhere, 0o777)
  const weak = await run(['config', 'show', '--json'])
  assert.equal(JSON.parse(weak.out).deviceId, device.deviceId)
  assert.match(weak.err, new RegExp(`^warning: ${elsewhere}: .*the configuration of ${device.folder} is used\\. Name`))
})

test('a command that finds no configuration names every folder that it looked at', async t => {
  const [here, system] = [realpathSync(tempDir(t)), realpathSync(tempDir(t))]
  const run = shellIn(t, here, system)
  for (const [words, expected] of [
    [['check'], 3],
    [['config', 'check'], 3],
    [['config', 'show'], 3],
    [['manager'], 3],
    [['status'], 4],
    [['publish', 'event', 'x'], 4],
    [['ota', 'install', 'package.tar.gz'], 6],
  ] as const) {
    const { code, err } = await run(words)
    assert.equal(code, expected, err)
    for (const folder of [here, system]) assert.ok(err.includes(folder), `${words.join(' ')}: ${err}`)
  }
})
