import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentNames, exampleText } from '../../../src/config/example-file.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { loadManagerConfig } from '../../../src/config/manager-config.ts'
import { closestName } from '../../../src/config/suggestion.ts'
import { environmentName, settingsTable } from '../../../src/config/table.ts'
import { checkValue } from '../../../src/config/value.ts'
import { configFolder } from '../../helpers/config-folder.ts'

test('every default of the table passes its own check', () => {
  for (const setting of settingsTable) {
    if (setting.default === undefined || setting.type.kind === 'path') continue
    const checked = checkValue(setting, setting.default, { baseFolder: '/' })
    assert.deepEqual(checked, { ok: true, value: setting.default }, setting.key)
  }
})

test('no two settings of one file share a key, and no two keys share an environment variable', () => {
  const rows = settingsTable.map(({ file, key }) => `${file} ${key}`)
  assert.equal(new Set(rows).size, rows.length)
  const byName = new Map<string, string>()
  for (const { key } of settingsTable) {
    assert.equal(byName.get(environmentName(key)) ?? key, key)
    byName.set(environmentName(key), key)
  }
  assert.ok(environmentNames().includes('DEVICE_CLOUD_CA_BUNDLE_FILE'))
  assert.ok(environmentNames().includes('DEVICE_CLOUD_QUEUE_DURABILITY'))
})

test('the example files load without a single remark', async t => {
  const configDir = configFolder(t, { 'iot-connect.cfg': exampleText('connect'), 'iot.cfg': exampleText('iot') })
  const client = await loadClientConfig({ appId: 'iot', configDir, environment: {} })
  const manager = await loadManagerConfig({ configDir, environment: {} })
  assert.deepEqual([...client.warnings, ...manager.warnings], [])
  assert.equal(client.settings.cloud.transport, 'mqtts')
})

test('suggests what is close, swapped letters included, and nothing that is not', () => {
  const known = ['quiet', 'qos_level', 'keep_alive', 'log_file']
  assert.equal(closestName('keep_alvie', known), 'keep_alive')
  assert.equal(closestName('Keep_Alive', known), 'keep_alive')
  assert.equal(closestName('qoslevel', known), 'qos_level')
  assert.equal(closestName('ab', known), undefined)
  assert.equal(closestName('temperature', known), undefined)
})
