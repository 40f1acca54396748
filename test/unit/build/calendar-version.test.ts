// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BuildError } from '../../../build/build-error.ts'
import { root } from '../../../build/places.ts'
import { dayOfVersion, isEarlier, versionAfter, versionOfDay } from '../../../build/version/calendar-version.ts'
import { readVersion } from '../../../build/version/read-version.ts'
import {
  chooseVersion,
  type VersionChoice,
  versionFiles,
  versionsIn,
  withVersion,
} from '../../../build/version/set-version.ts'
import { version } from '../../../src/base/version.ts'

test('a version is the UTC day, without leading zeros', () => {
  assert.equal(versionOfDay(Date.parse('2026-12-01T00:00:00Z')), '26.12.1')
  assert.equal(versionOfDay(Date.parse('2027-01-31T23:59:59.999Z')), '27.1.31')
  assert.equal(versionOfDay(dayOfVersion('28.2.29')), '28.2.29')
})

test('what is no day, or not written as npm takes it, is refused', () => {
  for (const text of ['26.13.1', '26.0.1', '26.2.29', '26.4.31', '26.12.0', '26.12.01', '26.02.1', '2026.12.1'])
    assert.throws(() => dayOfVersion(text), BuildError, text)
  for (const text of ['', '26.12', '26.12.1.2', '26.12.1-2', '26.12.1+2', 'v26.12.1', ' 26.12.1', '26.12.1\n'])
    assert.throws(() => dayOfVersion(text), BuildError, text)
})

test('versions are ordered by their days, also by numbers of two digits and over the end of a year', () => {
  const order = ['0.1.0', '26.9.30', '26.10.1', '26.12.1', '26.12.2', '26.12.10', '26.12.31', '27.1.1']
  for (const [index, one] of order.entries())
    for (const [other, two] of order.entries()) assert.equal(isEarlier(one, two), index < other, `${one} < ${two}`)
})

test('another release of a day takes the next day, which is later than all of that day and free of suffixes', () => {
  for (const [one, next] of [
    ['26.12.1', '26.12.2'],
    ['26.12.31', '27.1.1'],
    ['28.2.28', '28.2.29'],
  ] as const) {
    assert.equal(versionAfter(one), next)
    assert.ok(isEarlier(one, next))
  }
})

const wish: VersionChoice = {
  again: false,
  present: '26.12.1',
  commitMs: Date.parse('2026-12-03T12:00:00Z'),
  isReleased: () => false,
}

test('the next version is the day of the commit, the one that is given, or the day after the present one', () => {
  assert.equal(chooseVersion(wish), '26.12.3')
  assert.equal(chooseVersion({ ...wish, present: '0.1.0' }), '26.12.3')
  assert.equal(chooseVersion({ ...wish, given: '26.12.24' }), '26.12.24')
  assert.equal(chooseVersion({ ...wish, given: '26.12.1' }), '26.12.1', 'it may be said twice')
  assert.equal(chooseVersion({ ...wish, again: true }), '26.12.2')
})

test('a version that was released, goes back or is malformed is refused, with what to do', () => {
  const isReleased = (one: string) => one === '26.12.3'
  assert.throws(() => chooseVersion({ ...wish, isReleased }), /26\.12\.3 has been released.*set-version -- --again\.$/)
  assert.throws(() => chooseVersion({ ...wish, present: '26.12.4' }), /26\.12\.3 is earlier than 26\.12\.4.*--again\.$/)
  assert.throws(() => chooseVersion({ ...wish, given: '26.11.30' }), /26\.11\.30 is earlier/)
  assert.throws(() => chooseVersion({ ...wish, given: '26.12.1-2' }), /"26\.12\.1-2" is not a version/)
  assert.throws(() => chooseVersion({ ...wish, given: '26.12.4', again: true }), /not both/)
  assert.throws(() => chooseVersion({ ...wish, present: '0.1.0', again: true }), /"0\.1\.0" is not a version/)
})

test('only the versions from the top are set: those of packages in the lock file stay', () => {
  const lock =
    '{\n  "version": "0.1.0",\n  "packages": {\n    "": {\n      "version": "0.1.0"\n    },\n    "ws": {\n      "version": "8.23.0"'
  assert.equal(withVersion(lock, '26.12.1', 2), lock.replaceAll('0.1.0', '26.12.1'))
})

test('the sources, the lock file and the example packages have the version of package.json (npm run set-version)', () => {
  assert.equal(version, readVersion())
  assert.doesNotThrow(() => dayOfVersion(version))
  for (const { path, times } of versionFiles) {
    const found = versionsIn(readFileSync(join(root, path), 'utf8'), times)
    assert.deepEqual(found, Array(times).fill(version), path)
  }
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  assert.deepEqual([lock.version, lock.packages[''].version], [version, version])
})
