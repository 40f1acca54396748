import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { foldersThatLeadNowhere } from '../../../src/cli/allowed-folders.ts'
import { otherFolderHint } from '../../../src/cli/manager-socket.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('a command in a folder without a configuration is told where the one of the service is', async t => {
  const [here, service] = [tempDir(t), tempDir(t)]
  assert.equal(await otherFolderHint(undefined, service, here), undefined)
  writeFileSync(join(service, 'iot-connect.cfg'), '{}')
  const hint = `This folder has no iot-connect.cfg, and ${service} has one: add "-c ${service}".`
  assert.equal(await otherFolderHint(undefined, service, here), hint)
  assert.equal(await otherFolderHint('elsewhere', service, here), undefined)
  writeFileSync(join(here, 'iot-connect.cfg'), '{}')
  assert.equal(await otherFolderHint(undefined, service, here), undefined)
})

test('an allowed folder that is not there is told, with its line', async t => {
  const folder = tempDir(t)
  const notes = await foldersThatLeadNowhere([folder, `${folder}/no`, `${folder}/*`, `${folder}/~/x`], {
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
