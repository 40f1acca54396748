// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { capabilityOf } from '../../../src/config/closure.ts'
import type { connectionRows } from '../../../src/config/connection-rows.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { loadManagerConfig } from '../../../src/config/manager-config.ts'
import type { managerRows } from '../../../src/config/manager-rows.ts'
import { policyRows } from '../../../src/config/policy-rows.ts'
import { type PropertyOf, propertyOf, valueIn } from '../../../src/config/property.ts'
import type { Setting } from '../../../src/config/setting.ts'
import { closestName } from '../../../src/config/suggestion.ts'
import { environmentName, settingsOf, settingsTable } from '../../../src/config/table.ts'
import { checkValue } from '../../../src/config/value.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { otherValues } from '../../helpers/other-values.ts'

const used = settingsTable.filter(setting => !setting.ignored)

test('every default of the table passes its own check', () => {
  for (const setting of settingsTable) {
    if (setting.default === undefined || setting.type.kind === 'path') continue
    const checked = checkValue(setting, setting.default, { baseFolder: '/' })
    assert.deepEqual(checked, { ok: true, value: setting.default }, setting.key)
  }
})

test('no two settings of one file share a key or a property, and no two keys share an environment variable', () => {
  for (const nameOf of [({ key }: Setting) => key, propertyOf]) {
    const names = settingsTable.map(setting => `${setting.file} ${nameOf(setting)}`)
    assert.equal(new Set(names).size, names.length)
  }
  const byName = new Map<string, string>()
  for (const { key } of settingsTable) {
    assert.equal(byName.get(environmentName(key)) ?? key, key)
    byName.set(environmentName(key), key)
  }
  assert.equal(byName.get('DEVICE_CLOUD_CA_BUNDLE_FILE'), 'ca_bundle_file')
  assert.equal(byName.get('DEVICE_CLOUD_QUEUE_DURABILITY'), 'queue.durability')
})

type Row = (typeof connectionRows)[number] | (typeof managerRows)[number]
type PropertyOfKey<Key extends Row['key']> = PropertyOf<Extract<Row, { readonly key: Key }>>

test('a property follows from the key and the unit, in the types as in the running program', () => {
  const properties = {
    quiet: 'quiet',
    keep_alive: 'keepAliveS',
    memory_soft_limit: 'memorySoftLimitMb',
    'cloud.file_xfer_host': 'cloud.fileXferHost',
    'file_transfer.max_bytes': 'fileTransfer.maxBytes',
    'remote_access.idle_timeout': 'remoteAccess.idleTimeoutS',
    'actions_enabled.file_transfers': 'actionsEnabled.file_transfers',
  } as const satisfies { readonly [Key in Row['key']]?: PropertyOfKey<Key> }
  for (const [key, property] of Object.entries(properties)) {
    const row = settingsTable.find(setting => setting.key === key)
    assert.equal(row && propertyOf(row), property)
  }
})

test('a row that does not say what a reload does with it is no row', () => {
  const row = { key: 'x', file: 'connect', type: { kind: 'text' }, sentence: 'A row of this test.' } as const
  const live: Setting = { ...row, reload: 'live' }
  const ignored: Setting = { ...row, ignored: true }
  // @ts-expect-error: it would be taken over by a running manager, or not, by chance.
  const forgotten: Setting = row
  // @ts-expect-error: what has no effect takes none when the files are read again.
  const both: Setting = { ...row, ignored: true, reload: 'live' }
  assert.deepEqual(
    [live, ignored, forgotten, both].map(({ reload }) => reload),
    ['live', undefined, undefined, 'live'],
  )
})

test('the rows of policies are those of the connection file with which a mistake closes a capability', () => {
  const closing = settingsOf('connect').filter(({ key }) => capabilityOf(key) !== undefined)
  assert.deepEqual(closing, policyRows)
})

test('every setting of a file arrives in its property', async t => {
  const complete = {
    'cloud.host': 'cloud.example.test',
    'cloud.port': 8883,
    'cloud.token': 'T',
    'cloud.transport': 'mqtts',
    'proxy.type': 'http',
    'proxy.host': 'proxy.example.test',
    'proxy.port': 1080,
  }
  for (const setting of used) {
    const { key, file, type } = setting
    const [value] = otherValues(setting)
    const own = { [key]: value }
    const configDir = configFolder(t, {
      'iot-connect.cfg': file === 'connect' ? { ...complete, ...own } : complete,
      'iot.cfg': file === 'iot' ? own : {},
    })
    const load = file === 'connect' ? loadClientConfig : loadManagerConfig
    const { settings } = await load({ appId: 'iot', configDir, environment: {} })
    const found = valueIn(settings, setting)
    if (type.kind === 'services') assert.ok(Array.isArray(found) && found.length === 1, key)
    else assert.deepEqual(found, value, key)
  }
})

test('every setting is used by some other floor than the one that reads it', () => {
  const source = filesBelow(join(import.meta.dirname, '../../../src'))
    .filter(path => path.endsWith('.ts') && !path.includes('/src/config/') && !path.includes('/src/cloud/'))
    .map(path => readFileSync(path, 'utf8'))
    .join('\n')
  const unused = used
    .filter(({ key }) => !key.startsWith('actions_enabled.'))
    .filter(setting => !new RegExp(`\\b${propertyOf(setting).replace(/.*\./, '')}\\b`).test(source))
  assert.deepEqual(
    unused.map(({ key }) => key),
    [],
    `settings that nothing uses: ${unused.map(propertyOf).join(', ')} stands nowhere above src/config/`,
  )
})

test('suggests what is close, swapped letters included, and nothing that is not', () => {
  const known = ['quiet', 'qos_level', 'keep_alive', 'log_file']
  assert.equal(closestName('keep_alvie', known), 'keep_alive')
  assert.equal(closestName('Keep_Alive', known), 'keep_alive')
  assert.equal(closestName('qoslevel', known), 'qos_level')
  assert.equal(closestName('ab', known), undefined)
  assert.equal(closestName('temperature', known), undefined)
})

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}
