// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SerialQueue } from '../../../src/base/serial-queue.ts'
import { settle } from '../../helpers/fake-clock.ts'

test('work waits for what was asked for before, and a failure is only its own', async () => {
  const serial = new SerialQueue()
  const said: string[] = []
  let go: () => void = () => {}
  const first = serial.run(async () => {
    await new Promise<void>(resolve => {
      go = resolve
    })
    said.push('first')
    throw new Error('kaputt')
  })
  const second = serial.run(async () => {
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
