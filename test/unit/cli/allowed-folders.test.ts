// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingAllowedFolders } from '../../../src/cli/config/allowed-folders.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('an allowed folder that does not exist gives a warning, with its line', async t => {
  const folder = tempDir(t)
  const notes = await missingAllowedFolders([folder, `${folder}/no`, `${folder}/*`, `${folder}/~/x`], {
    source: 'file',
    file: '/c',
    line: 7,
  })
  assert.deepEqual(
    notes.map(({ line, problem }) => [line, problem]),
    ['no', '*', '~/x'].map(name => [7, `names ${folder}/${name}, which does not exist`]),
  )
  assert.match(notes[0]?.remedy ?? '', /^Correct its name/)
  assert.match(notes[1]?.remedy ?? '', /absolute path/)
})
