// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '../../../src/base/log.ts'
import { LogRing } from '../../../src/base/log-ring.ts'

const record = (message: string): LogRecord => ({ epochMs: 0, level: 'info', component: 'x', message, fields: {} })
const messagesOf = (ring: LogRing) => [...ring.text().matchAll(/ x: (.*)$/gm)].map(([, message]) => message)

test('keeps the newest lines whole, and never more than its size', () => {
  const ring = new LogRing(200)
  assert.equal(ring.text(), '')
  ring.sink(record('one'))
  assert.equal(ring.text(), '1970-01-01T00:00:00.000Z INFO  x: one\n')
  for (let number = 0; number < 1000; number++) {
    ring.sink(record(`line ${number}`))
    const text = ring.text()
    assert.ok(text.length <= 200 && text.endsWith(` x: line ${number}\n`), text)
    for (const line of text.trimEnd().split('\n')) assert.match(line, /^1970.* x: (?:one|line \d+)$/)
  }
  assert.deepEqual(messagesOf(ring), ['line 996', 'line 997', 'line 998', 'line 999'])
})

test('a flood in one line leaves room for others, and a letter that is cut in two harms nothing', () => {
  const ring = new LogRing(8 * 1024)
  ring.sink(record('before'))
  ring.sink(record('€'.repeat(100_000)))
  ring.sink(record('after'))
  const [before, flood, after] = messagesOf(ring)
  assert.deepEqual([before, after], ['before', 'after'])
  assert.ok((flood?.length ?? 0) > 1000 && Buffer.byteLength(flood ?? '') <= 4096)
})
