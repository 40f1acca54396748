// SPDX-License-Identifier: Apache-2.0
/** The script that says on a device whether the executable will start: on a device of BusyBox alone, with Node in its place. */
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { sumOf } from '../../build/node/node-binary.ts'
import { type PreflightFacts, preflightScript } from '../../build/release/preflight.ts'
import { requirementsOf } from '../../build/release/requirements.ts'
import { readTarget } from '../../build/target.ts'
import { BusyboxDevice } from '../helpers/busybox-device.ts'

const place = '/usr/bin/device-cloud'

async function factsOf(path: string): Promise<PreflightFacts> {
  const target = readTarget('x64')
  const bytes = readFileSync(path)
  const requirements = await requirementsOf(target, path, path)
  return { target: 'x64', elf: target.elf, requirements, bytes: bytes.length, sha256: sumOf(bytes) }
}

test('what keeps the executable from starting is named with its remedy', async t => {
  const device = BusyboxDevice.make(t, process.execPath)
  if (device === undefined) return
  const facts = await factsOf(process.execPath)
  const on = (path: string) => join(device.root, path)
  const preflight = (changed: Partial<PreflightFacts> = {}, ...words: string[]) => {
    device.write('/root/preflight.sh', preflightScript({ ...facts, ...changed }))
    return device.run('/bin/sh', '/root/preflight.sh', ...words)
  }
  const says = (answer: { code: number | null; text: string }, ...patterns: RegExp[]) => {
    assert.equal(answer.code, 1, answer.text)
    for (const pattern of patterns) assert.match(answer.text, pattern)
  }
  /** Takes a file away from the device for the time of a test. */
  const without = (t: TestContext, path: string) => {
    renameSync(on(path), on(`${path}.away`))
    t.after(() => renameSync(on(`${path}.away`), on(path)))
  }

  await t.test('nothing, when all is well', () => {
    const { code, text } = preflight()
    assert.equal(code, 0, text)
    const checks = text
      .trim()
      .split('\n')
      .map(line => line.split(/ +/).slice(0, 2).join(' '))
    const names = ['processor', 'kernel', 'file', 'glibc', 'libraries', 'start']
    assert.deepEqual(
      checks,
      names.map(name => `ok ${name}`),
      text,
    )
    assert.match(text, new RegExp(`^ok +file +${place}, as released$`, 'm'))
    assert.match(text, new RegExp(`^ok +start +${process.version}$`, 'm'))
  })
  await t.test('another processor', () => {
    const elf = readTarget('armv7').elf
    says(
      preflight({ target: 'armv7', elf, sha256: '0' }),
      /^FAIL +processor +x86_64, and this executable is for armv7 .*\n +Take the archive for this processor: x64 for x86_64/m,
      /^FAIL +file +\S+ is not an executable for armv7$/m,
    )
  })
  await t.test('an old kernel', () => {
    const requirements = { ...facts.requirements, kernel: '77.2' }
    says(preflight({ requirements }), /^FAIL +kernel +Linux \S+, and the executable needs at least 77\.2$/m)
  })
  await t.test('a library that is not there', t => {
    const [library = ''] = facts.requirements.libraries.filter(name => name.startsWith('libstdc++'))
    const path = device.run('find', '/', '-xdev', '-name', library).text.trim()
    assert.match(path, /^\S+$/)
    without(t, path)
    says(
      preflight(),
      /^FAIL +libraries +libstdc\+\+\.so\.6 is missing\n +Buildroot: a toolchain with C\+\+ support; Yocto: libstdc\+\+/m,
      /^FAIL +start +it ended with 127: .*libstdc/m,
    )
  })
  await t.test('no glibc, but musl', t => {
    without(t, facts.requirements.linker)
    device.write('/lib/ld-musl-x86_64.so.1', '')
    t.after(() => rmSync(on('/lib/ld-musl-x86_64.so.1')))
    says(preflight(), /^FAIL +glibc +\S+ is missing: this system has musl instead of glibc\n +Use an image with glibc/m)
  })
  await t.test('a file that is another one, cut short, no executable, without the right to run, or not there', () => {
    says(preflight({ sha256: '0' }, '/etc/passwd'), /^FAIL +file +\/etc\/passwd is not an executable for x64$/m)
    assert.match(preflight({ sha256: '0' }).text, /^- +file +\S+ is not the file of this release/m)
    copyFileSync(on(place), on('/root/short'))
    truncateSync(on('/root/short'), 1_000_000)
    says(preflight({}, '/root/short'), /^- +file +\/root\/short is not the file of this release/m, /^FAIL +start /m)
    device.write('/root/plain', '')
    writeFileSync(on('/root/plain'), readFileSync(on('/root/short')))
    says(preflight({}, '/root/plain'), /^FAIL +file +\/root\/plain is not executable\n +chmod 755 \/root\/plain$/m)
    says(preflight({}, '/root/nothing'), /^FAIL +file +\/root\/nothing does not exist$/m)
  })
  await t.test('too many words', () => {
    assert.equal(preflight({}, 'a', 'b').code, 2)
  })
})
