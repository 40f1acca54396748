// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { linkSync, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { giveTree } from '../../../src/platform/held/give-tree.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../../helpers/attacker.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const owner = { userId: stranger, groupId: stranger }
const ownerOf = (path: string) => statSync(path).uid

test(
  'a folder is given with what is in it, also where a name is no UTF-8, and nothing that is elsewhere',
  needsRoot,
  async t => {
    const root = tempDir(t)
    const folder = join(root, 'state')
    mkdirSync(join(folder, 'queue', 'thing'), { recursive: true })
    writeFileSync(join(folder, 'queue', 'thing', 'segment'), '')
    const odd = Buffer.concat([Buffer.from(`${folder}/od`), Buffer.from([0xe9])])
    writeFileSync(odd, '')
    for (const name of ['secret', 'linked']) writeFileSync(join(root, name), '')
    linkSync(join(root, 'secret'), join(folder, 'second-name'))
    symlinkSync(join(root, 'linked'), join(folder, 'link'))

    assert.deepEqual(await giveTree(folder, owner), [join(folder, 'second-name')])

    for (const path of ['', 'queue', 'queue/thing', 'queue/thing/segment'])
      assert.equal(ownerOf(join(folder, path)), stranger)
    assert.equal(statSync(odd).uid, stranger)
    for (const name of ['secret', 'linked']) assert.equal(ownerOf(join(root, name)), 0)
  },
)

test(
  'a folder that becomes a link while it is given, and one that is reached through the link of another user, lead nowhere',
  needsRoot,
  async t => {
    const root = tempDir(t)
    const etc = join(root, 'etc')
    mkdirSync(etc)
    writeFileSync(join(etc, 'passwd'), '')
    const folder = join(root, 'state')
    mkdirSync(join(folder, 'upload'), { recursive: true })
    writeFileSync(join(folder, 'upload', 'passwd'), '')
    let entered = 0
    const swap = async () => {
      if (++entered !== 2) return
      renameSync(join(folder, 'upload'), join(folder, 'away'))
      symlinkSync(etc, join(folder, 'upload'))
    }
    await giveTree(folder, owner, swap)
    assert.equal(entered, 2)
    assert.equal(ownerOf(join(etc, 'passwd')), 0)

    const home = attackersFolder(root, 'home')
    asAttacker(`ln -s ${etc} ${home}/config`)
    await assert.rejects(
      giveTree(join(home, 'config'), owner),
      error =>
        error instanceof AgentError &&
        error.code === 'PATH_REFUSED' &&
        /is a link that a user other/.test(error.message),
    )
    assert.equal(ownerOf(etc), 0)
  },
)
