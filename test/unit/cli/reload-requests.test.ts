// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReloadRequests } from '../../../src/cli/manager-process/reload-requests.ts'

test('a SIGHUP during the start of the manager is served once, after the start', () => {
  const reloads = new ReloadRequests()
  const done: string[] = []
  reloads.begin()
  reloads.ask()
  reloads.ask()
  reloads.servedBy(() => void done.push('manager'))
  assert.deepEqual(done, ['manager'])
  reloads.ask()
  assert.deepEqual(done, ['manager', 'manager'])
})

test('a request from before the configuration is read is not served again', () => {
  const reloads = new ReloadRequests()
  reloads.ask()
  reloads.begin()
  reloads.servedBy(() => assert.fail('the start has read it'))
})

test('a manager that starts in place of a new agent on trial serves the requests from then on', () => {
  const reloads = new ReloadRequests()
  const done: string[] = []
  reloads.servedBy(() => void done.push('new agent on trial'))
  reloads.ask()
  reloads.begin()
  reloads.ask()
  reloads.servedBy(() => void done.push('manager'))
  assert.deepEqual(done, ['new agent on trial', 'manager'])
})
