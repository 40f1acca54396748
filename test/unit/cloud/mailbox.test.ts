// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { Mailbox, type MailOrder } from '../../../src/cloud/store/mailbox.ts'

const order = (more: Partial<MailOrder> = {}): MailOrder => ({
  thingKey: 'dev-1',
  command: 'method.exec',
  params: { method: 'ping' },
  from: 'admin',
  ttlS: 30,
  ...more,
})

test('a message goes from new over in-flight to completed, with its history', async () => {
  const box = new Mailbox()
  const { mail } = box.send(order())
  assert.match(mail.id, /^[0-9a-f]{24}$/)
  assert.equal(box.hasNew(['dev-1']), true)
  assert.deepEqual(box.check(['dev-1']), [mail])
  assert.equal(mail.status, 'in-flight')
  assert.equal(box.hasNew(['dev-1']), false)
  box.update(mail, 'Invoked')
  const done = box.completion(mail, 1000)
  box.ack(mail, { ok: true, params: { a: 1 } })
  assert.deepEqual(await done, { ok: true, params: { a: 1 } })
  assert.deepEqual(
    mail.history.map(line => [line.status, line.message]),
    [
      ['new', undefined],
      ['in-flight', undefined],
      ['in-flight', 'Invoked'],
      ['completed', undefined],
    ],
  )
})

test('messages in flight are handed out again only on request', () => {
  const box = new Mailbox()
  const { mail } = box.send(order())
  box.check(['dev-1'])
  assert.deepEqual(box.check(['dev-1']), [])
  assert.deepEqual(box.check(['dev-1'], { redeliver: true }), [mail])
  box.offerAgain('dev-1')
  assert.equal(box.hasNew(['dev-1']), true)
  assert.deepEqual(box.check(['dev-1']), [mail])
  assert.equal(mail.deliveries, 3)
})

test('a completed message takes no second acknowledgement and no progress', () => {
  const box = new Mailbox()
  const { mail } = box.send(order())
  box.ack(mail, { ok: false, errorCode: 19, errorMessage: 'fail and such' })
  assert.equal(mail.status, 'completed-error')
  assert.throws(() => box.ack(mail, { ok: true, params: undefined }), /completed-error already/)
  assert.throws(() => box.update(mail, 'late'), /completed-error already/)
  assert.throws(() => box.get('000000000000000000000000'), /is not known/)
})

test('limit hands out that many, autoComplete completes them at once', async () => {
  const box = new Mailbox()
  const mails = ['a', 'b', 'c'].map(method => box.send(order({ params: { method } })).mail)
  assert.deepEqual(box.check(['dev-1'], { limit: 1 }), mails.slice(0, 1))
  const done = box.completion(mails[1] ?? assert.fail(), 1000)
  assert.deepEqual(box.check(['dev-1'], { autoComplete: true }), mails.slice(1))
  assert.equal((await done).ok, true)
  assert.equal(mails[2]?.status, 'completed')
})

test('a message that is not fetched within its time to live expires; one in flight does not', t => {
  t.mock.timers.enable({ apis: ['Date'] })
  const box = new Mailbox()
  const { mail: late } = box.send(order({ ttlS: 5 }))
  const { mail: fetched } = box.send(order({ ttlS: 5 }))
  box.check(['dev-1'], { limit: 1 })
  assert.equal(late.status, 'in-flight')
  t.mock.timers.tick(6000)
  assert.deepEqual(box.check(['dev-1']), [])
  assert.equal(fetched.status, 'expired')
  assert.equal(late.status, 'in-flight')
  box.ack(late, { ok: true, params: undefined })
})

test('the wait for an acknowledgement ends, while the message may still complete', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    const box = new Mailbox()
    const { mail } = box.send(order())
    const wait = box.completion(mail, 30_000)
    mock.timers.tick(30_000)
    await assert.rejects(wait, /no acknowledgement within 30 s/)
    box.ack(mail, { ok: true, params: undefined })
    assert.equal(mail.status, 'completed')
  } finally {
    mock.timers.reset()
  }
})

test('singleton takes the identical message that waits, and not one in flight', () => {
  const box = new Mailbox()
  const first = box.send(order({ singleton: true, params: { method: 'x', params: { a: 1, b: 2 } } }))
  const same = box.send(order({ singleton: true, params: { params: { b: 2, a: 1 }, method: 'x' } }))
  assert.equal(same.mail, first.mail)
  assert.equal(same.isNew, false)
  assert.equal(box.send(order({ singleton: true, params: { method: 'y' } })).isNew, true)
  box.check(['dev-1'])
  assert.equal(box.send(order({ singleton: true, params: { method: 'x', params: { a: 1, b: 2 } } })).isNew, true)
})
