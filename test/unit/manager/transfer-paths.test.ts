// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import { BadParameter } from '../../../src/manager/actions/params.ts'
import { readTransferTarget } from '../../../src/manager/transfers/transfer-paths.ts'

const folder = '/var/lib/agent/download'

test('a name, a path, both or neither: the rules of the Python agent [TR50 4.5]', () => {
  const rows: readonly (readonly [JsonObject, string | undefined, string, boolean])[] = [
    [{ file_name: 'a.txt' }, 'a.txt', `${folder}/a.txt`, true],
    [{ file_name: 'sub/a.txt' }, 'sub/a.txt', `${folder}/sub/a.txt`, true],
    [{ file_path: 'sub/a.txt' }, 'a.txt', `${folder}/sub/a.txt`, true],
    [{ file_path: './a.txt' }, 'a.txt', `${folder}/a.txt`, true],
    [{ file_path: '/etc/app/a.txt' }, 'a.txt', '/etc/app/a.txt', false],
    [{ file_name: 'cloud.bin', file_path: '/etc//app/./a.txt' }, 'cloud.bin', '/etc/app/a.txt', false],
    [{ file_name: 'cloud.bin', file_path: 'b' }, 'cloud.bin', `${folder}/b`, true],
    [{ file_name: 'a', file_path: null, use_global_store: null }, 'a', `${folder}/a`, true],
    [{ file_name: 'a', file_path: '' }, 'a', `${folder}/a`, true],
    [{ file_name: '..a' }, '..a', `${folder}/..a`, true],
    [{ file_path: '/a/../b' }, 'b', '/b', false],
    [{ file_path: 'sub/' }, 'sub', `${folder}/sub`, true],
    [{}, undefined, folder, true],
  ]
  for (const [params, fileName, path, relative] of rows)
    assert.deepEqual(
      readTransferTarget(params, folder),
      { fileName, path, isFolder: false, relative, global: false },
      JSON.stringify(params),
    )
  assert.equal(readTransferTarget({ file_name: 'a', use_global_store: true }, folder).global, true)
  const inFolder = { fileName: 'a', path: `${folder}/sub`, isFolder: true, relative: true, global: false }
  assert.deepEqual(readTransferTarget({ file_name: 'a', file_path: 'sub/' }, folder), inFolder)
})

test('a parameter of the wrong type is named', () => {
  const rows: readonly (readonly [JsonObject, RegExp])[] = [
    [{ file_name: 7 }, /^file_name must be a string, not a number/],
    [{ file_name: ['a'] }, /^file_name must be a string, not a list/],
    [{ file_path: { a: 1 } }, /^file_path must be a string, not an object/],
    [{ file_name: 'a', use_global_store: 'true' }, /^use_global_store must be true or false, not a string/],
    [{ file_name: 'a\0b' }, /^file_name contains a NUL/],
    [{ file_path: 'x'.repeat(5000) }, /^file_path is longer/],
    [{ file_path: '~/x' }, /^file_path: paths cannot use '~'/],
    [{ file_path: '~root/x', file_name: 'x' }, /~/],
  ]
  for (const [params, message] of rows)
    assert.throws(
      () => readTransferTarget(params, folder),
      (error: unknown) => error instanceof BadParameter && message.test(error.message) && error.outcome.status === 2,
      JSON.stringify(params).slice(0, 80),
    )
})

test('a relative path that climbs is refused, however it is dressed [M1]', () => {
  for (const path of ['..', '../x', 'a/../../x', 'a/..', './../x', 'a/b/../../../etc/passwd', '../download/x'])
    for (const params of [{ file_path: path }, { file_name: path }])
      assert.throws(
        () => readTransferTarget(params, folder),
        (error: unknown) => error instanceof AgentError && error.code === 'PATH_REFUSED',
        path,
      )
})
