// SPDX-License-Identifier: Apache-2.0
/** For whom root looks at a device whose manager runs as a named user. */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownershipClosures } from '../../../src/manager/configuration/ownership.ts'
import { serviceUser } from '../../../src/manager/service/service-user.ts'
import { managerUser, RootScene } from '../../helpers/root-scene.ts'

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'needs root' }

test('what belongs to the user of the service is judged as his, and not to be given to root', needsRoot, async t => {
  const { config, configPath, folder } = RootScene.make(t)
  const configDir = join(folder, 'config')
  const connectionPath = join(configDir, 'iot-connect.cfg')
  mkdirSync(configDir)
  writeFileSync(connectionPath, '{}', { mode: 0o600 })
  for (const path of [configDir, connectionPath]) chownSync(path, managerUser.id, managerUser.id)
  const found = await serviceUser(config.stateDir, { self: 0, configPath })
  assert.equal(found?.name, managerUser.name)
  assert.equal(found.identity.userId, managerUser.id)
  const parts = {
    configDir,
    connection: { path: connectionPath, settings: {} } as Parameters<typeof ownershipClosures>[0]['connection'],
    own: { file: { path: join(configDir, 'iot.cfg') } },
    runtimeDir: config.stateDir,
  }
  assert.deepEqual(await ownershipClosures({ ...parts, self: found.identity }), [])
  assert.notDeepEqual(await ownershipClosures(parts), [])

  assert.equal(await serviceUser('/elsewhere', { self: 0, configPath }), undefined)
  assert.equal(await serviceUser(config.stateDir, { self: managerUser.id, configPath }), undefined)
  chmodSync(configPath, 0o666)
  assert.equal(await serviceUser(config.stateDir, { self: 0, configPath }), undefined)
})
