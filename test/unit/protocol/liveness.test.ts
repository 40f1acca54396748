// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { diagTime } from '../../../src/protocol/commands.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { Requester } from '../../../src/protocol/requester.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { type Cloud, FakeLink, silent } from '../../helpers/fake-link.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

function scene(t: TestContext, cloud: Cloud) {
  const clock = new FakeClock()
  clock.nextRandom = 0
  const link = new FakeLink({ cloud })
  const requester = new Requester({ link, clock, log: memoryLog(clock).log, qos: 1 })
  t.after(() => requester.close(new AgentError('CLOSED', 'end of test')))
  const ask = (timeoutMs: number = limits.requestTimeoutMs) => {
    requester.requestOne(diagTime(), { timeoutMs }).catch(() => {})
  }
  const pings = () => link.commands.filter(({ command }) => command === 'diag.ping').length
  return { clock, link, requester, ask, pings }
}

test('two requests in a row without any reply and a ping without one: the session is dropped', async t => {
  const { clock, link, requester, ask, pings } = scene(t, silent)
  ask()
  await clock.advance(1000)
  ask()
  await clock.advance(limits.requestTimeoutMs - 1000)
  assert.equal(pings(), 0, 'one silent request proves nothing')
  await clock.advance(1000)
  assert.equal(pings(), 1)
  await clock.advance(limits.probeTimeoutMs - 1)
  assert.equal(link.reconnects.length, 0)
  await clock.advance(1)
  assert.deepEqual(
    link.reconnects.map(({ code }) => code),
    ['TIMEOUT'],
  )
  assert.equal(requester.counters().reconnects, 1)
  assert.equal(requester.counters().pending, 0)
})

test('a ping that is answered keeps the session', async t => {
  const { clock, link, ask, pings } = scene(t, ({ commands }) =>
    commands[0]?.command === 'diag.ping' ? { 1: { success: true } } : undefined,
  )
  ask()
  ask()
  await clock.advance(limits.requestTimeoutMs)
  await settle()
  assert.equal(pings(), 1)
  await clock.advance(60_000)
  assert.equal(link.reconnects.length, 0)
})

test('any reply in between, even a late one, is a sign of life', async t => {
  const { clock, link, ask, pings } = scene(t, silent)
  ask()
  await clock.advance(limits.requestTimeoutMs)
  link.reply('0001', { 1: { success: true } })
  ask()
  await clock.advance(limits.requestTimeoutMs)
  assert.equal(pings(), 0)
  ask()
  await clock.advance(limits.requestTimeoutMs)
  assert.equal(pings(), 1)
})

test('a request that stays unanswered while others are answered is no sign of a dead link', async t => {
  const { clock, link, ask, pings } = scene(t, silent)
  ask()
  await clock.advance(1000)
  link.reply('7777', { 1: { success: true } })
  await clock.advance(limits.requestTimeoutMs)
  ask()
  await clock.advance(limits.requestTimeoutMs)
  assert.equal(pings(), 0)
})

test('requests of a hurried caller say nothing about the link', async t => {
  const { clock, ask, pings } = scene(t, silent)
  for (let hurry = 0; hurry < 10; hurry++) {
    ask(100)
    await clock.advance(100)
  }
  assert.equal(pings(), 0)
})

test('a new session starts to count anew', async t => {
  const { clock, link, ask, pings } = scene(t, silent)
  ask()
  await clock.advance(limits.requestTimeoutMs)
  link.down()
  link.up()
  ask()
  await clock.advance(limits.requestTimeoutMs)
  assert.equal(pings(), 0)
})
