// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import type { LocalEnd } from '../../../src/manager/relay/local-end.ts'
import { LocalPipe } from '../../../src/manager/relay/local-pipe.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'

/** A local service whose connection a test makes, and what became of it. */
function scene(options: { stuck?: boolean } = {}) {
  const clock = new FakeClock()
  const said: string[] = []
  const got: string[] = []
  let destroyed = false
  let open = (_end: LocalEnd) => {}
  let refuse = (_error: Error) => {}
  const connected = new Promise<LocalEnd>((resolve, reject) => {
    open = resolve
    refuse = reject
  })
  const readable = new PassThrough()
  const writable = new Writable({
    write: (chunk, _encoding, done) => {
      got.push(String(chunk))
      if (!options.stuck) done()
    },
    final: done => {
      got.push('end')
      done()
    },
  })
  const destroy = () => {
    destroyed = true
    readable.destroy()
    writable.destroy()
  }
  const pipe = new LocalPipe({
    clock,
    open: () => connected,
    listener: {
      opened: () => said.push('opened'),
      failed: () => said.push('failed'),
      data: bytes => said.push(`data ${bytes}`),
      closed: () => said.push('closed'),
      taken: () => {},
      gone: () => said.push('gone'),
    },
  })
  return {
    clock,
    pipe,
    said,
    got,
    readable,
    refuse: () => refuse(new Error('refused')),
    open: async () => {
      open({ readable, writable, destroy })
      await settle()
    },
    isDestroyed: () => destroyed,
  }
}

test('what is written before the connection is there goes out first', async () => {
  const { pipe, got, said, open } = scene()
  pipe.write(Buffer.from('a'))
  assert.equal(pipe.queuedBytes, 1)
  await open()
  pipe.write(Buffer.from('b'))
  await settle()
  assert.deepEqual([got, said, pipe.queuedBytes, pipe.takenBytes], [['a', 'b'], ['opened'], 0, 2])
})

test('left before its connection is there, it still delivers what it has, and ends it [R1]', async () => {
  const { pipe, got, said, open, readable } = scene()
  pipe.write(Buffer.from('last words'))
  pipe.leave()
  await open()
  assert.deepEqual(got, ['last words', 'end'])
  readable.end('for nobody')
  await settle()
  assert.deepEqual(said, ['gone'])
})

test('destroyed, it delivers nothing, and a connection that comes later is ended', async () => {
  const { pipe, got, said, open, isDestroyed } = scene()
  pipe.write(Buffer.from('x'))
  pipe.destroy()
  assert.deepEqual(said, ['gone'])
  await open()
  assert.ok(isDestroyed())
  assert.deepEqual(got, [])
})

test('a service that does not take its last bytes is ended after a while', async () => {
  const { pipe, clock, said, open, isDestroyed } = scene({ stuck: true })
  await open()
  pipe.write(Buffer.from('x'))
  pipe.finish()
  await clock.advance(9_000)
  assert.ok(!isDestroyed())
  await clock.advance(2_000)
  assert.ok(isDestroyed())
  assert.equal(said.at(-1), 'gone')
})

test('the end of the service comes after its last byte, and once', async () => {
  const { said, open, readable } = scene()
  await open()
  readable.end('bye')
  await settle()
  assert.deepEqual(
    said.filter(word => word !== 'gone'),
    ['opened', 'data bye', 'closed'],
  )
})

test('a connection that is refused is told once', async () => {
  const { said, refuse } = scene()
  refuse()
  await settle()
  assert.deepEqual(said, ['failed', 'gone'])
})
