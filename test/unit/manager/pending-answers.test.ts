import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { PendingAnswers } from '../../../src/manager/pending-answers.ts'
import type { Receipt } from '../../../src/outbox/outbox.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

function scene(text?: string) {
  const state = { text, writes: 0 }
  const logged = memoryLog()
  const answers = new PendingAnswers({
    log: logged.log,
    file: {
      read: async () => state.text,
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
  const { state, answers } = scene('65e6f0c2a1b2c3d4e5f60718,0\n65e6f0c2a1b2c3d4e5f60719,4\n')
  const said: unknown[] = []
  const left: (string | undefined)[] = []
  const given = await answers.give(await answers.load(), async (id, status) => {
    said.push([id, status])
    return receipt(async () => void left.push(state.text))
  })
  assert.equal(state.writes, 0)
  await answers.settle(given, signal)
  assert.deepEqual(said, [
    ['65e6f0c2a1b2c3d4e5f60718', 0],
    ['65e6f0c2a1b2c3d4e5f60719', 4],
  ])
  assert.equal(left[1], '65e6f0c2a1b2c3d4e5f60719,4\n')
  assert.equal(state.text, undefined)
})

test('lines that nobody understands stay, are told of once, and harm nothing [M9]', async () => {
  const { state, answers, logged } = scene('no comma\n,0\na1,0,1\na1,x\na1,99\n\na2,16\n../../x,0\n')
  const found = await answers.load()
  assert.deepEqual(found, [{ id: 'a2', status: 16 }])
  await answers.settle(await answers.give(found, async () => receipt(async () => {})), signal)
  assert.equal(state.text, 'no comma\n,0\na1,0,1\na1,x\na1,99\n../../x,0\n')
  assert.equal(logged.records.filter(record => record.level === 'warn').length, 1)
})

test('an answer that is not delivered stays in the file; one that the cloud refuses is done', async () => {
  const { state, answers } = scene('a1,0\na2,0\na3,0\na4,0\n')
  const given = await answers.give(await answers.load(), async id => {
    if (id === 'a4') throw new AgentError('OUTBOX_FULL', 'full')
    return receipt(async () => {
      if (id === 'a1') throw new AgentError('CLOSED', 'the client ends')
      if (id === 'a2')
        throw new AgentError('REFUSED_BY_CLOUD', 'completed already', { details: { errorCodes: [-90008] } })
    })
  })
  await answers.settle(given, signal)
  assert.equal(state.text, 'a1,0\na4,0\n')
})

test('when the manager ends, what waits stays in the file and is nothing to warn of', async () => {
  const { state, answers, logged } = scene('a1,0\na2,0\n')
  const ending = new AbortController()
  const given = await answers.give(await answers.load(), async () =>
    receipt(async () => {
      throw new AgentError('ABORTED', 'the manager ends')
    }),
  )
  ending.abort()
  await answers.settle(given, ending.signal)
  assert.equal(state.text, 'a1,0\na2,0\n')
  assert.equal(logged.text(), '')
})

test('the line of an offline update names nobody, and is not sent', async () => {
  const { state, answers } = scene('unused,0\n')
  await answers.settle(await answers.give(await answers.load(), async () => assert.fail('sent')), signal)
  assert.equal(state.text, undefined)
})
