// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { capabilityOf } from '../../../src/config/closure.ts'
import { loadClientConfig } from '../../../src/config/load.ts'
import { settingsOf } from '../../../src/config/table.ts'
import { remainingPolicies } from '../../../src/manager/decommission/remaining-policies.ts'
import { configFolder } from '../../helpers/config-folder.ts'
import { otherValues } from '../../helpers/other-values.ts'

test('a decommissioned device keeps every policy of its connection file, and nothing else of it', async t => {
  const policies = settingsOf('connect').filter(({ key }) => capabilityOf(key) !== undefined)
  assert.ok(policies.some(({ key }) => key === 'ota.require_signature'))
  const environment = {
    DEVICE_CLOUD_CLOUD_HOST: 'cloud.example.test',
    DEVICE_CLOUD_CLOUD_PORT: '8883',
    DEVICE_CLOUD_CLOUD_TOKEN: 'T',
  }
  for (const policy of policies) {
    const [value] = otherValues(policy)
    const load = (file: object | string) =>
      loadClientConfig({ appId: 'iot', configDir: configFolder(t, { 'iot-connect.cfg': file }), environment })
    const before = await load({ [policy.key]: value, qos_level: 0 })
    const left = remainingPolicies(before, { actionsEnabled: {}, runtimeDir: join('/srv', 'runtime') })
    const after = await load(left?.connection ?? '')
    assert.deepEqual(after.settings, { ...before.settings, qosLevel: 1 }, policy.key)
  }
})
