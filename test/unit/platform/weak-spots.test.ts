// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, lchownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FileFacts } from '../../../src/platform/files/file-facts.ts'
import { readBoundedText } from '../../../src/platform/files/read-file.ts'
import { type OwnIdentity, unmappedId } from '../../../src/platform/owners/own-identity.ts'
import { isGroupOf } from '../../../src/platform/owners/user-database.ts'
import { describeWeakSpots, weakSpotsIn, weakSpotsOn } from '../../../src/platform/owners/weak-spots.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const root: OwnIdentity = { userId: 0, groupId: 0, unmappedId: undefined }

/** FOLDER/conf/iot.cfg, all of it root's. */
function tree(t: TestContext): { folder: string; conf: string; file: string } {
  const folder = tempDir(t)
  const conf = join(folder, 'conf')
  mkdirSync(conf, { mode: 0o755 })
  const file = join(conf, 'iot.cfg')
  writeFileSync(file, '{}', { mode: 0o644 })
  return { folder, conf, file }
}

const spots = async (path: string, self = root) =>
  (await weakSpotsOn(path, { self })).map(({ path: at, why, remedy }) => `${at} ${why}; ${remedy}`)

test('what only root can change is sound, also below /tmp, and what does not exist yet is', needsRoot, async t => {
  const { conf, file } = tree(t)
  assert.deepEqual(await spots(file), [])
  assert.deepEqual(await spots(join(conf, 'later', 'deeper')), [])
  assert.deepEqual(await spots('/etc/passwd'), [])
})

test(
  'a file, its folder and the folder above are judged by owner, with the command that mends each',
  needsRoot,
  async t => {
    const { folder, conf, file } = tree(t)
    for (const path of [file, conf, folder]) {
      chownSync(path, stranger, stranger)
      assert.deepEqual(await spots(file), [`${path} belongs to uid ${stranger}; chown root: ${path}`])
      chownSync(path, 0, 0)
    }
    chownSync(conf, 1, 1)
    assert.match((await spots(file))[0] ?? '', /belongs to \w+ \(uid 1\)/)
    assert.deepEqual(await spots(file, { ...root, userId: 1 }), [], 'the own user is as good as root')
    assert.match((await spots(file, { ...root, userId: 2 }))[0] ?? '', /; chown [a-z]+: /)
  },
)

test('what a group or everybody may write to is weak, by mode', needsRoot, async t => {
  const { conf, file } = tree(t)
  chmodSync(file, 0o646)
  assert.deepEqual(await spots(file), [`${file} may be written to by every user (mode 0646); chmod go-w ${file}`])
  chmodSync(file, 0o664)
  assert.deepEqual(await spots(file), [], 'nobody but root is in the group of root')
  chownSync(file, 0, stranger)
  assert.deepEqual(await spots(file), [
    `${file} may be written to by the group gid ${stranger} (mode 0664); chmod g-w ${file}`,
  ])
  chmodSync(file, 0o644)
  chmodSync(conf, 0o777)
  assert.deepEqual(await spots(file), [`${conf} may be written to by every user (mode 0777); chmod go-w ${conf}`])
  chownSync(conf, stranger, 0)
  assert.equal((await spots(file)).length, 2, 'owner and mode are told at once')
})

test('a sticky folder protects what lies in it, and is not sound itself', needsRoot, async t => {
  const { conf, file } = tree(t)
  chmodSync(conf, 0o1777)
  assert.deepEqual(await spots(file), [])
  assert.match((await spots(conf))[0] ?? '', /every user \(mode 1777\)/)
  chownSync(file, stranger, stranger)
  assert.match((await spots(file))[0] ?? '', /belongs to/)
  chownSync(file, 0, 0)
  chownSync(conf, stranger, stranger)
  assert.match((await spots(file))[0] ?? '', /belongs to/, 'its owner may remove what is in it')
})

test('links are followed, and so are the ways to what they lead to', needsRoot, async t => {
  const { folder, conf, file } = tree(t)
  const link = join(folder, 'link')
  symlinkSync('./conf/../conf', link)
  assert.deepEqual(await spots(join(link, 'iot.cfg')), [])
  lchownSync(link, stranger, stranger)
  assert.deepEqual(await spots(join(link, 'iot.cfg')), [`${link} belongs to uid ${stranger}; chown -h root: ${link}`])
  lchownSync(link, 0, 0)
  const named = join(folder, "it's")
  mkdirSync(named)
  chownSync(named, stranger, stranger)
  symlinkSync(join(named, 'far'), join(conf, 'out'))
  assert.match((await spots(join(conf, 'out')))[0] ?? '', /chown root: '.*it'\\''s'$/)
  symlinkSync('loop', join(conf, 'loop'))
  assert.match((await spots(join(conf, 'loop')))[0] ?? '', /too many links/)
  assert.deepEqual(await spots(file), [])
})

test('a file that was replaced after it was read is told from the one that was read', needsRoot, async t => {
  const { folder, conf, file } = tree(t)
  let opened: FileFacts | undefined
  await readBoundedText(file, 100, facts => {
    opened = facts
    renameSync(conf, join(folder, 'was'))
    mkdirSync(conf)
    writeFileSync(file, '{}')
  })
  assert.ok(opened !== undefined)
  assert.match((await weakSpotsOn(file, { opened, self: root }))[0]?.why ?? '', /replaced while it was read/)
})

test(
  'in a user namespace the folders of strangers above are taken for those of its host, files are not',
  needsRoot,
  async t => {
    const { folder, file } = tree(t)
    const inside: OwnIdentity = { userId: 0, groupId: 0, unmappedId: 65_534 }
    chownSync(folder, 65_534, 65_534)
    assert.deepEqual(await spots(file, inside), [])
    assert.equal((await spots(file)).length, 1, 'outside of one, nobody is a user like any other')
    chownSync(file, 65_534, 65_534)
    assert.equal((await spots(file, inside)).length, 1)

    assert.equal(unmappedId('         0          0 4294967295\n', '65534\n'), undefined)
    assert.equal(unmappedId('0 1000 1\n', '65534\n'), 65_534)
    assert.equal(unmappedId('0 100000 65536\n', '65534\n'), undefined, 'there it is somebody')
    assert.equal(unmappedId('', ''), undefined)
  },
)

test('a file whose name is no UTF-8 is looked at too, and the remedy reaches it', needsRoot, async t => {
  const folder = tempDir(t)
  chmodSync(folder, 0o755)
  const odd = Buffer.from(`${folder}/t\xe9's\n%d`, 'latin1')
  writeFileSync(odd, '')
  chownSync(odd, stranger, stranger)
  const [spot] = await weakSpotsIn(folder, root)
  assert.match(describeWeakSpots(spot === undefined ? [] : [spot]), /t\\xE9's\\x0A%d belongs to uid/)
  execFileSync('sh', ['-c', spot?.remedy ?? 'false'])
  assert.deepEqual(await weakSpotsIn(folder, root), [])
})

test('a group is one of root and the own user alone when nobody with a login is in it', async t => {
  const etc = tempDir(t)
  writeFileSync(
    join(etc, 'passwd'),
    [
      'root:x:0:0:root:/root:/bin/sh',
      'sync:x:5:0:sync:/sbin:/bin/sync',
      'pi:x:1000:1000::/home/pi:/bin/sh',
      'guest:x:1001:100::/home/guest:/bin/sh',
    ].join('\n'),
  )
  writeFileSync(join(etc, 'group'), 'root:x:0:\npi:x:1000:root\nusers:x:100:\nstaff:x:50:pi,guest\n')
  assert.ok(await isGroupOf(0, 1000, etc))
  assert.ok(await isGroupOf(1000, 1000, etc))
  assert.ok(!(await isGroupOf(100, 1000, etc)), 'it is the first group of another')
  assert.ok(!(await isGroupOf(50, 1000, etc)))
  assert.ok(await isGroupOf(0, 0, join(etc, 'none')), 'a machine without the files has root alone')
})

test('a folder that the agent may not list is a weak spot, and no reason to end', needsRoot, async t => {
  const { folder, conf } = tree(t)
  chmodSync(folder, 0o755)
  chmodSync(conf, 0o700)
  process.seteuid?.(stranger)
  try {
    const [spot, ...more] = await weakSpotsIn(conf, { ...root, userId: stranger })
    assert.match(spot?.why ?? '', /cannot be looked at: .*EACCES/)
    assert.deepEqual(more, [])
  } finally {
    process.seteuid?.(0)
  }
})
