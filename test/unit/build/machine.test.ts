// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { launcherOf, stripOf } from '../../../build/node/machine.ts'
import { readTarget, targetNames, targetOfThisMachine } from '../../../build/target.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A machine on which no program is installed. */
function nothingInstalled(t: TestContext): void {
  const path = process.env.PATH
  process.env.PATH = tempDir(t)
  t.after(() => {
    process.env.PATH = path
  })
}

test('a missing emulator is one line that names the Debian package', t => {
  nothingInstalled(t)
  for (const name of targetNames.filter(target => target !== targetOfThisMachine()))
    assert.throws(() => launcherOf(readTarget(name)), {
      name: 'MissingTool',
      message: `${name}: ${readTarget(name).emulator.program} is missing. Install the Debian package qemu-user-static.`,
    })
})

test('a missing strip is one line that names the Debian package', t => {
  nothingInstalled(t)
  for (const name of targetNames) {
    const native = name === targetOfThisMachine()
    const debianPackage = native ? 'binutils' : readTarget(name).strip.debianPackage
    assert.throws(() => stripOf(readTarget(name)), {
      name: 'MissingTool',
      message: new RegExp(`package ${debianPackage}\\.$`),
    })
  }
})

test("this machine's own executable needs no emulator", t => {
  const name = targetOfThisMachine()
  if (name === undefined) return t.skip(`no executable is made for ${process.platform} ${process.arch}`)
  nothingInstalled(t)
  assert.deepEqual(launcherOf(readTarget(name)), [])
})
