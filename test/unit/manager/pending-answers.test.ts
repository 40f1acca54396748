// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { PendingAnswers } from '../../../src/manager/pending-answers.ts'
import type { Receipt } from '../../../src/outbox/outbox.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

type Acknowledge = ConstructorParameters<typeof PendingAnswers>[0]['acknowledge']

function scene(text: string | undefined, acknowledge: Acknowledge, brokenRead = false) {
  const state = { text, writes: 0 }
  const logged = memoryLog()
  const answers = new PendingAnswers({
    log: logged.log,
    acknowledge,
    file: {
      read: async () => {
        if (brokenRead) throw new AgentError('FILE_ACCESS', 'input/output error')
        return state.text
      },
      write: async written => {
        state.text = written
        state.writes++
      },
      remove: async () => {
        state.text = undefined
      },
    },
  })
  return { state, answers, logged }
}

const receipt = (delivered: () => Promise<void>): Receipt => ({ accepted: true, delivered })
const signal = new AbortController().signal

test('answers what an earlier process left, and removes each line when the cloud has it [TR50 7.6]', async () => {
  const said: unknown[] = []
  const left: (string | undefined)[] = []
  const { state, answers } = scene(
    '65e6f0c2a1b2c3d4e5f60718,0\n65e6f0c2a1b2c3d4e5f60719,4\n',
    async (id, { status }) => {
      said.push([id, status])
      return receipt(async () => void left.push(state.text))
    },
  )
  await answers.give()
  assert.equal(state.writes, 0)
  await answers.settle(signal)
  assert.deepEqual(said, [
    ['65e6f0c2a1b2c3d4e5f60718', 0],
    ['65e6f0c2a1b2c3d4e5f60719', 4],
  ])
  assert.equal(left[1], '65e6f0c2a1b2c3d4e5f60719,4\n')
  assert.equal(state.text, undefined)
})

test('lines of another form stay, are logged once, and do no harm [M9]', async () => {
  const said: unknown[] = []
  const text = 'no comma\n,0\na1,0,1\na1,x\na1,99\n\na2,16\n../../x,0\n'
  const { state, answers, logged } = scene(text, async (id, { status }) => {
    said.push({ id, status })
    return receipt(async () => {})
  })
  await answers.give()
  await answers.settle(signal)
  assert.deepEqual(said, [{ id: 'a2', status: 16 }])
  assert.equal(state.text, 'no comma\n,0\na1,0,1\na1,x\na1,99\n../../x,0\n')
  assert.equal(logged.records.filter(record => record.level === 'warn').length, 1)
})

test('an answer that is not delivered stays in the file; one that the cloud refuses is done', async () => {
  const { state, answers } = scene('a1,0\na2,0\na3,0\na4,0\n', async id => {
    if (id === 'a4') throw new AgentError('OUTBOX_FULL', 'full')
    return receipt(async () => {
      if (id === 'a1') throw new AgentError('CLOSED', 'the client ends')
      if (id === 'a2')
        throw new AgentError('REFUSED_BY_CLOUD', 'completed already', { details: { errorCodes: [-90008] } })
    })
  })
  await answers.give()
  await answers.settle(signal)
  assert.equal(state.text, 'a1,0\na4,0\n')
})

test('when the manager ends, what waits stays in the file and causes no warning', async () => {
  const ending = new AbortController()
  const { state, answers, logged } = scene('a1,0\na2,0\n', async () =>
    receipt(async () => {
      throw new AgentError('ABORTED', 'the manager ends')
    }),
  )
  await answers.give()
  ending.abort()
  await answers.settle(ending.signal)
  assert.equal(state.text, 'a1,0\na2,0\n')
  assert.equal(logged.text(), '')
})

test('when the manager ends, no line is removed any more: the file may be that of the next manager [M9]', async () => {
  const ending = new AbortController()
  const { state, answers } = scene('a1,0\nunused,0\n', async () =>
    receipt(async () => {
      ending.abort()
      throw new AgentError('ABORTED', 'the manager ends')
    }),
  )
  await answers.give()
  await answers.settle(ending.signal)
  assert.deepEqual(state, { text: 'a1,0\nunused,0\n', writes: 0 })
})

test('the line of an offline update answers no call, and is not sent', async () => {
  const { state, answers } = scene('unused,0\n', async () => assert.fail('sent'))
  await answers.give()
  await answers.settle(signal)
  assert.equal(state.text, undefined)
})

test('a file that cannot be read is logged, and the start continues', async () => {
  const { answers, logged } = scene(undefined, async () => assert.fail('sent'), true)
  await answers.give()
  await answers.settle(signal)
  assert.match(logged.text(), /message_ids cannot be read/)
})
