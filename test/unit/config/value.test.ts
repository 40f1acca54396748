// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsTable } from '../../../src/config/table.ts'
import { checkValue } from '../../../src/config/value.ts'

function check(key: string, raw: unknown) {
  const setting = settingsTable.find(row => row.key === key)
  assert.ok(setting !== undefined, key)
  return checkValue(setting, raw, { baseFolder: '/' })
}

test('a text that reads as a boolean stays a text, and only booleans are read from text [D5]', () => {
  for (const text of ['true', 'False', 'null', '0', '007'])
    for (const key of ['cloud.token', 'proxy.password', 'thing_friendly_name'])
      assert.deepEqual(check(key, text), { ok: true, value: text })
  assert.deepEqual(check('validate_cloud_cert', 'False'), { ok: true, value: false })
  assert.deepEqual(check('validate_cloud_cert', 'no'), { ok: false, expected: 'true or false', found: '"no"' })
})

test('what a secret was is not told with its mistake', () => {
  assert.deepEqual(check('cloud.token', ['hunter2']), { ok: false, expected: 'a text', found: undefined })
})
