// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ConfigFolderRequest, findConfigFolder } from '../../../src/config/config-folder.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const connectionFile = 'iot-connect.cfg'

/** A folder that a user works in, and one of the system; `configured` ones have a connection file. */
function scene(t: TestContext, configured: readonly ('current' | 'system')[]) {
  const above = realpathSync(tempDir(t))
  const [current, system] = [join(above, 'current'), join(above, 'system')]
  const places = { current, system }
  for (const folder of [current, system]) mkdirSync(folder)
  for (const name of configured) writeFileSync(join(places[name], connectionFile), '{}', { mode: 0o600 })
  const find = (more: Partial<ConfigFolderRequest> = {}) =>
    findConfigFolder({ named: undefined, environment: {}, connectionFile, ...places, ...more })
  return { ...places, find }
}

test('the folder is the one that is named, then that of the environment, then the current one, then that of the system', async t => {
  const { current, system, find } = scene(t, ['current', 'system'])
  const environment = { DEVICE_CLOUD_CONFIG_DIR: '/by/variable' }
  assert.equal((await find({ named: '/by/name', environment })).path, '/by/name')
  assert.equal((await find({ environment })).path, '/by/variable')
  assert.equal((await find({ environment: { DEVICE_CLOUD_CONFIG_DIR: '' } })).path, current)
  assert.equal((await find({ connectionFile: 'other.cfg' })).path, current, 'neither has it')
  writeFileSync(join(system, 'other.cfg'), '{}')
  assert.deepEqual(await find({ connectionFile: 'other.cfg' }), { path: system, alsoTried: [] })
  assert.equal((await find({ connectionFile: join(system, 'other.cfg') })).path, current, 'a path needs no folder')
})

test('where no folder has a connection file, the miss names all that were looked at', async t => {
  const { current, system, find } = scene(t, [])
  const found = await find()
  assert.deepEqual(found, { path: current, alsoTried: [system] })
  const { path: configDir, alsoTried } = found
  await assert.rejects(loadClientConfig({ appId: '', configDir, alsoTried, configFile: 'a.cfg', environment: {} }), {
    code: 'CONFIG_INVALID',
    message: `${current}/a.cfg: the connection file does not exist, and there is none in ${system} either. Run: npx device-cloud config generate -f ${current}/a.cfg`,
  })
})

test('a file where a folder is wanted is told as that, and a command to copy holds the path as a word of a shell', async t => {
  const { current } = scene(t, ['current'])
  const miss = (configDir: string) => loadClientConfig({ appId: '', configDir, configFile: 'b.cfg', environment: {} })
  writeFileSync(join(current, 'a.cfg'), '{}')
  await assert.rejects(miss(join(current, 'a.cfg')), {
    code: 'CONFIG_INVALID',
    message: `${current}/a.cfg/b.cfg: a part of the path is not a folder. Name the folder of the configuration (-c, configDir), and a file in it by its name (-f, configFile).`,
  })
  await assert.rejects(miss(join(current, 'my device')), {
    message: new RegExp(`config generate -f '${current}/my device/b\\.cfg'$`),
  })
})

test('a current folder in which others can write does not win over that of the system, and that is said', async t => {
  const { current, system, find } = scene(t, ['current', 'system'])
  assert.deepEqual(await find(), { path: current, alsoTried: [] })
  chmodSync(current, 0o777)
  const { path, warning } = await find()
  assert.equal(path, system)
  assert.equal(warning?.file, current)
  assert.match(
    warning?.problem ?? '',
    new RegExp(`by every user \\(mode 0777\\).*the configuration of ${system} is used$`),
  )
  assert.match(warning?.remedy ?? '', new RegExp(`^Name ${current} with -c`))
  assert.deepEqual(await find({ named: current }), { path: current, alsoTried: [] }, 'whoever names it means it')
  const alone = await find({ system: join(system, 'no') })
  assert.deepEqual([alone.path, alone.warning], [current, undefined])
  const link = join(current, 'link')
  symlinkSync(current, link)
  assert.equal((await find({ system: link })).warning, undefined, 'it is the folder of the system')
})

test(
  'a connection file that another user has planted where everybody may write does not decide',
  needsRoot,
  async t => {
    const { current, system, find } = scene(t, ['current', 'system'])
    chmodSync(current, 0o1777)
    assert.equal((await find()).path, current, 'in such a folder a file of the own user is as good as elsewhere')
    for (const name of ['iot-connect.cfg', 'iot.cfg', 'device_id']) {
      const planted = join(current, name)
      writeFileSync(planted, '{}')
      chownSync(planted, stranger, stranger)
      const { path, warning } = await find()
      assert.deepEqual([path, warning?.file], [system, planted])
      assert.match(warning?.problem ?? '', /belongs to uid 4711/)
      chownSync(planted, 0, 0)
    }
  },
)
