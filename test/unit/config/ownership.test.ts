// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadClientConfig } from '../../../src/config/load.ts'
import { loadManagerConfig } from '../../../src/config/manager-config.ts'
import { logSettingsOf, ownershipProblem } from '../../../src/config/ownership.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const cloud = { host: 'cloud.test', port: 8883, token: 't' }

/** A configuration folder, and what is found wrong with who owns it. */
function scene(t: TestContext, connection: object = {}) {
  const above = tempDir(t)
  chmodSync(above, 0o755)
  const configDir = join(above, 'conf')
  mkdirSync(configDir)
  const paths = ['iot-connect.cfg', 'iot.cfg', 'device_id', 'ca.pem', 'attributes.cfg'].map(name =>
    join(configDir, name),
  )
  for (const path of paths) writeFileSync(path, '{}')
  writeFileSync(join(configDir, 'iot-connect.cfg'), JSON.stringify({ cloud, ca_bundle_file: 'ca.pem', ...connection }))
  const load = () =>
    loadClientConfig({ appId: 'x', configDir, configFile: 'iot-connect.cfg', environment: {}, settings: {} })
  const look = async () => {
    const client = await load()
    const manager = await loadManagerConfig({ configDir, environment: {} })
    const { caBundleFile } = client.settings
    return ownershipProblem({ configDir, connection: client, manager, caBundleFile })
  }
  return { above, configDir, load, look, path: (name: string) => join(configDir, name) }
}

test('each file that decides must be root’s, with the commands for all of them at once', needsRoot, async t => {
  const { configDir, look, path } = scene(t)
  assert.equal(await look(), undefined)
  chownSync(path('attributes.cfg'), stranger, stranger)
  assert.equal(await look(), undefined, 'it holds texts')
  for (const name of ['iot-connect.cfg', 'iot.cfg', 'device_id', 'ca.pem']) {
    chownSync(path(name), stranger, stranger)
    const found = await look()
    assert.equal(found?.file, path(name))
    assert.match(found.remedy, new RegExp(`then run: chown root: ${path(name)}$`))
    chownSync(path(name), 0, 0)
  }
  for (const at of [configDir, path('iot.cfg')]) chownSync(at, stranger, stranger)
  chmodSync(path('ca.pem'), 0o666)
  const all = await look()
  const commands = [`chown root: ${configDir}`, `chown root: ${path('iot.cfg')}`, `chmod go-w ${path('ca.pem')}`]
  assert.match(
    all?.remedy ?? '',
    new RegExp(`move ${configDir} to where root alone may write, or run: ${commands.join(' && ')}$`),
  )
})

test('an agent of another user believes his own files and those of root, and nobody else’s', needsRoot, async t => {
  const { configDir, look, path } = scene(t)
  for (const at of [configDir, path('iot.cfg'), path('iot-connect.cfg')]) chownSync(at, stranger, stranger)
  const as = async (userId: number) => {
    process.setegid?.(userId)
    process.seteuid?.(userId)
    try {
      return await look()
    } finally {
      process.seteuid?.(0)
      process.setegid?.(0)
    }
  }
  assert.equal(await as(stranger), undefined)
  chmodSync(path('iot.cfg'), 0o664)
  assert.equal(await as(stranger), undefined, 'his own group is his alone')
  assert.match((await as(stranger + 1))?.remedy ?? '', new RegExp(`chown ${stranger + 1}: ${configDir}`))
})

test('a log file is written where the command line says, and not where others can say', async t => {
  const { load } = scene(t, { log_file: '/etc/profile.d/agent.sh' })
  const config = await load()
  assert.equal(logSettingsOf(config, false).logFile, '/etc/profile.d/agent.sh')
  assert.equal(logSettingsOf(config, true).logFile, undefined)
  const origins = new Map([['log_file', { source: 'given', by: 'command line' } as const]])
  assert.equal(logSettingsOf({ ...config, origins }, true).logFile, '/etc/profile.d/agent.sh')
})
