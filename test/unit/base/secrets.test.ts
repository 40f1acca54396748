// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Log } from '../../../src/base/log.ts'
import { processSecrets, Secrets } from '../../../src/base/secrets.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('a secret is hidden wherever it stands, and one that is too short or absent hides nothing', () => {
  const secrets = new Secrets()
  for (const secret of ['t0ken', 'ab', '', undefined]) secrets.add(secret)
  assert.equal(secrets.hideIn('t0ken=t0ken ab undefined'), '[hidden]=[hidden] ab undefined')
})

test('what a log hides is hidden in the errors of the whole process', () => {
  const log = Log.create({ clock: new FakeClock(), sink: () => {} })
  log.hide('of-a-log')
  log.hide('xy')
  assert.equal(processSecrets.hideIn('of-a-log xy'), '[hidden] xy')
})
