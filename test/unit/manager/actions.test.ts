// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { pingAction } from '../../../src/manager/actions/ping.ts'
import { rebootAction, shutdownAction } from '../../../src/manager/actions/power.ts'
import { quitAction } from '../../../src/manager/actions/quit.ts'
import { resetAgentAction } from '../../../src/manager/actions/reset-agent.ts'
import { decommissionAction } from '../../../src/manager/decommission/decommission-action.ts'
import { remoteAccessInfoAction } from '../../../src/manager/device-facts/remote-access-info.ts'
import { callAction } from '../../helpers/action-scene.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

test('ping answers with the time of the device as plain UTC [TR50 4.5]', async () => {
  const { outcome } = await callAction(pingAction(new FakeClock(Date.parse('2024-03-05T10:11:12.987Z'))))
  assert.deepEqual(outcome(), {
    status: 0,
    message: '',
    params: { response: 'acknowledged', time_stamp: '2024-03-05 10:11:12' },
  })
})

test('a disabled action answers 18 and names its switch', async () => {
  const { outcome } = await callAction(pingAction(new FakeClock()), {}, { enabled: false })
  assert.equal(outcome()?.status, 18)
  assert.match(outcome()?.message ?? '', /actions_enabled\.reset_agent in iot\.cfg/)
})

test('get_remote_access_info publishes again, and answers null when nothing listens [TR50 4.5]', async () => {
  const text = '[{"name": "SSH", "port": "22"}]'
  const some = await callAction(remoteAccessInfoAction('2.0.0', async () => text))
  assert.deepEqual(some.outcome()?.params, { relay_version: '2.0.0', remote_access_attribute: text })
  const none = await callAction(remoteAccessInfoAction('2.0.0', async () => ''))
  assert.deepEqual(none.outcome()?.params, { relay_version: '2.0.0', remote_access_attribute: null })
})

test('quit ends the manager only when the cloud has the answer', async () => {
  const happened: string[] = []
  await callAction(quitAction({ quit: () => void happened.push('quit') }), {}, { happened })
  assert.deepEqual(happened, ['acknowledge 0', 'delivered', 'quit'])
})

test('decommission acknowledges before it takes the identity away [M6]', async () => {
  const happened: string[] = []
  await callAction(decommissionAction({ forget: () => void happened.push('forget') }), {}, { happened })
  assert.deepEqual(happened.slice(1), ['acknowledge 0', 'delivered', 'forget'])
})

function powerParts(
  happened: string[],
  options: { check?: AgentError; act?: AgentError } = {},
  clock = new FakeClock(),
) {
  return {
    clock,
    power: {
      check: async () => {
        if (options.check) throw options.check
      },
      act: async () => {
        happened.push('act')
        if (options.act) throw options.act
      },
    },
    report: async (text: string) => void happened.push(`event ${text}`),
    log: memoryLog().log,
  }
}

test('reboot and shutdown: the cloud has the answer before the machine goes down [M7]', async () => {
  for (const make of [rebootAction, shutdownAction]) {
    const happened: string[] = []
    const { outcome } = await callAction(make(powerParts(happened)), {}, { happened })
    assert.deepEqual(happened, ['hand over 0 after a reboot', 'acknowledge 0', 'delivered', 'act'])
    assert.deepEqual(outcome(), { status: 0, message: '' })
  }
})

test('an answer that does not get through before the reboot is left to the next process', async () => {
  const happened: string[] = []
  await callAction(rebootAction(powerParts(happened)), {}, { happened, delivery: 'never' })
  assert.deepEqual(happened, ['hand over 0 after a reboot', 'acknowledge 0', 'act'])
})

test('a reboot that is not permitted is refused before anything is acknowledged', async () => {
  const happened: string[] = []
  const check = new AgentError('NOT_SUPPORTED', 'the agent does not run as root')
  const { outcome } = await callAction(rebootAction(powerParts(happened, { check })), {}, { happened })
  assert.deepEqual(happened, [])
  assert.equal(outcome()?.status, 18)
  assert.match(outcome()?.message ?? '', /reboot failed: the agent does not run as root/)
})

test('a reboot that fails after its answer says so in an event', async () => {
  const happened: string[] = []
  const act = new AgentError('EXECUTION_FAILED', '/sbin/reboot failed: exit code 1')
  await callAction(rebootAction(powerParts(happened, { act })), {}, { happened })
  assert.equal(happened.at(-1), 'event reboot failed: /sbin/reboot failed: exit code 1')
})

test('a machine that takes the order to reboot and still runs is told of in an event', async () => {
  const happened: string[] = []
  const clock = new FakeClock()
  await callAction(rebootAction(powerParts(happened, {}, clock)), {}, { happened })
  await clock.advance(599_000)
  assert.equal(happened.at(-1), 'act')
  await clock.advance(1000)
  assert.equal(happened.at(-1), 'event reboot failed: the machine took the order, and still runs 10 minutes later')
})

const noDisk = new AgentError('FILE_ACCESS', 'the file system is mounted read-only')

test('without a disk the machine goes down only when the cloud has the answer', async () => {
  const delivered: string[] = []
  await callAction(rebootAction(powerParts(delivered)), {}, { happened: delivered, handOver: noDisk })
  assert.deepEqual(delivered, ['acknowledge 0', 'delivered', 'act'])
  const undelivered: string[] = []
  const never = { happened: undelivered, handOver: noDisk, delivery: 'never' } as const
  await callAction(rebootAction(powerParts(undelivered)), {}, never)
  assert.deepEqual(undelivered, ['acknowledge 0'])
})

test('reset_agent leaves its answer to the new process', async () => {
  const happened: string[] = []
  const restart = () => void happened.push('restart')
  const { outcome } = await callAction(resetAgentAction({ restart }), {}, { happened })
  assert.deepEqual(happened, ['hand over 0', 'restart'])
  assert.equal(outcome(), undefined)
})

test('without a disk reset_agent answers before it restarts, and does not restart without an answer', async () => {
  const delivered: string[] = []
  await callAction(
    resetAgentAction({ restart: () => void delivered.push('restart') }),
    {},
    { happened: delivered, handOver: noDisk },
  )
  assert.deepEqual(delivered, ['acknowledge 0', 'delivered', 'restart'])
  const undelivered: string[] = []
  const never = { happened: undelivered, handOver: noDisk, delivery: 'never' } as const
  await callAction(resetAgentAction({ restart: () => void undelivered.push('restart') }), {}, never)
  assert.deepEqual(undelivered, ['acknowledge 0'])
})
