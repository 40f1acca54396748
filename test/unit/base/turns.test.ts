import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from '../../../src/base/turns.ts'
import { settle } from '../../helpers/fake-clock.ts'

test('work waits for what was asked for before, and a failure is only its own', async () => {
  const turns = new Turns()
  const said: string[] = []
  let go: () => void = () => {}
  const first = turns.take(async () => {
    await new Promise<void>(resolve => {
      go = resolve
    })
    said.push('first')
    throw new Error('kaputt')
  })
  const second = turns.take(async () => {
    said.push('second')
    return 2
  })
  await settle()
  assert.deepEqual(said, [])
  go()
  await assert.rejects(first, /kaputt/)
  assert.equal(await second, 2)
  assert.deepEqual(said, ['first', 'second'])
})
