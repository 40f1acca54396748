import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReloadRequests } from '../../../src/cli/manager-process/reload-requests.ts'

test('a SIGHUP that comes while the manager starts is done when it has started, once', () => {
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

test('what was asked for before the configuration is read is not done twice', () => {
  const reloads = new ReloadRequests()
  reloads.ask()
  reloads.begin()
  reloads.servedBy(() => assert.fail('the start has read it'))
})

test('when a manager starts in the place of what served until then, it is asked and not that', () => {
  const reloads = new ReloadRequests()
  const done: string[] = []
  reloads.servedBy(() => void done.push('new agent on trial'))
  reloads.ask()
  reloads.begin()
  reloads.ask()
  reloads.servedBy(() => void done.push('manager'))
  assert.deepEqual(done, ['new agent on trial', 'manager'])
})
