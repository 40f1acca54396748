// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginGuard } from '../../../src/cloud/store/login-guard.ts'

const minuteMs = 60_000

function scene() {
  let nowMs = 1_000_000
  const guard = new LoginGuard(() => nowMs)
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { guard, pass, user: { id: 'u1' }, other: { id: 'u2' } }
}

test('the eighth wrong password within 30 minutes locks this user alone for 30 minutes [TR50 9]', () => {
  const { guard, pass, user, other } = scene()
  for (let tries = 1; tries < 8; tries++) {
    assert.equal(guard.failed(user), false)
    pass(4 * minuteMs)
  }
  assert.equal(guard.lockedMs(user), 0)
  assert.equal(guard.failed(user), true)
  assert.equal(guard.lockedMs(user), 30 * minuteMs)
  assert.equal(guard.lockedMs(other), 0)
  pass(30 * minuteMs)
  assert.equal(guard.lockedMs(user), 0)
  assert.equal(guard.failed(user), false, 'it counts from the beginning again')
})

test('failures of long ago and those before a success do not count', () => {
  const { guard, pass, user } = scene()
  for (let tries = 1; tries < 8; tries++) guard.failed(user)
  pass(30 * minuteMs)
  assert.equal(guard.failed(user), false)
  for (let tries = 1; tries < 7; tries++) assert.equal(guard.failed(user), false)
  guard.succeeded(user)
  assert.equal(guard.failed(user), false)
})
