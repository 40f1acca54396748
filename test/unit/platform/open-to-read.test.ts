// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, chownSync, linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readBoundedText } from '../../../src/platform/files/read-file.ts'
import { readLastLines } from '../../../src/platform/files/read-part.ts'
import { transferFiles } from '../../../src/platform/held/transfer-files.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../../helpers/attacker.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

test('root reads by the link of another user only what this user may read himself', needsRoot, async t => {
  const root = tempDir(t)
  const home = attackersFolder(root, 'home', 'pi')
  mkdirSync(join(root, 'private'), { mode: 0o700 })
  for (const [name, mode] of [
    ['shadow', 0o600],
    ['private/list', 0o644],
    ['motd', 0o644],
    ['his', 0o600],
  ] as const)
    writeFileSync(join(root, name), name, { mode })
  chownSync(join(root, 'his'), 65_534, 65_534)
  asAttacker(
    `cd ${home}`,
    `ln -s ${root}/shadow shadow`,
    `ln -s ../../shadow shadow2`,
    `ln -s ${root}/private private`,
    `ln -s ${root}/motd motd`,
    `ln -s ${root}/his his`,
  )
  for (const name of ['shadow', 'shadow2', 'private/list'])
    for (const read of [readBoundedText, readLastLines])
      await assert.rejects(async () => read(join(home, name), 1000), {
        code: 'FILE_ACCESS',
        message: /who may not read/,
      })
  const upload = transferFiles.openForReading(join(home, 'shadow'), { followLinks: true })
  await assert.rejects(upload, { code: 'FILE_ACCESS', message: /who may not read/ })
  for (const name of ['motd', 'his']) assert.equal(await readBoundedText(join(home, name), 1000), name)
  linkSync(join(root, 'shadow'), join(home, 'second-name'))
  await assert.rejects(readBoundedText(join(home, 'second-name'), 1000), { code: 'FILE_ACCESS', message: /2 names/ })
  linkSync(join(root, 'motd'), join(home, 'public-name'))
  assert.equal(await readBoundedText(join(home, 'public-name'), 1000), 'motd')
  // A link of root's own leads where root wants, also out of a folder of another user.
  rmSync(join(home, 'second-name'))
  symlinkSync(join(root, 'shadow'), join(home, 'by-root'))
  chmodSync(home, 0o700)
  assert.equal(await readBoundedText(join(home, 'by-root'), 1000), 'shadow')
})
