// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scanRecords } from '../../src/base/record.ts'
import type { Client } from '../../src/index.ts'
import { parseStep } from '../../src/services/mailbox/journal-step.ts'
import { eventually } from '../helpers/eventually.ts'
import { deviceAt, hostileCloud, mailText } from '../helpers/hostile-cloud.ts'

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

function journalOf(configDir: string): Buffer {
  const path = readdirSync(configDir, { recursive: true, encoding: 'utf8' }).find(one =>
    one.endsWith('actions.journal'),
  )
  return readFileSync(join(configDir, path ?? 'actions.journal'))
}

test('parameters that are 100,000 deep are answered once and never run; the journal stays whole and the next process knows', async t => {
  const cloud = await hostileCloud(t)
  const ran: string[] = []
  const before = ({ actions }: Client) => {
    actions.register('go', ({ id }) => void ran.push(id))
    actions.registerCommand('program', ['/bin/sh', '-c', 'exit 0'])
  }
  const deep = nested(100_000)
  cloud.pages.push(
    `[${mailText('deep', 'go', deep)},${mailText('deep-program', 'program', deep)},${mailText('edge', 'go', nested(64))},${mailText('good', 'go')}]`,
  )
  const first = await deviceAt(t, cloud, before)
  await eventually('the answers', () => cloud.acks.length === 4)
  assert.deepEqual(ran.sort(), ['edge', 'good'])
  const codes = () => Object.fromEntries(cloud.acks.map(({ id, errorCode }) => [id, errorCode]))
  assert.deepEqual(codes(), { deep: 2, 'deep-program': 2, edge: 0, good: 0 })
  assert.match(cloud.acks.find(({ id }) => id === 'deep')?.errorMessage ?? '', /nested deeper than 64 levels.*not run/)
  cloud.pages.push(`[${mailText('after', 'go')}]`)
  cloud.notify()
  await eventually('the answer to later mail', () => cloud.acks.some(({ id }) => id === 'after'))
  await first.client.disconnect({ timeoutMs: 5_000 })

  const journal = journalOf(first.configDir)
  let records = 0
  const { damagedBytes } = scanRecords(journal, ({ body }) => {
    records++
    assert.notEqual(parseStep(body), undefined, Buffer.from(body).toString().slice(0, 200))
    return undefined
  })
  assert.ok(damagedBytes === 0 && records > 0, `${damagedBytes} damaged bytes, ${records} records`)

  // The next process is offered all of it again, and carries nothing out.
  const acked = cloud.acks.length
  cloud.pages.push(`[${mailText('deep', 'go', deep)},${mailText('good', 'go')},${mailText('edge', 'go', nested(64))}]`)
  const second = await deviceAt(t, cloud, before, first.configDir)
  await eventually('the answers as before', () => cloud.acks.length === acked + 3)
  assert.deepEqual(ran.sort(), ['after', 'edge', 'good'])
  assert.equal(codes().deep, 2)
  assert.ok(second.client.isConnected && cloud.sessions() === 2)
})

test('what a handler returns and JSON cannot hold is a failure that says why', async t => {
  const cloud = await hostileCloud(t)
  const holdsItself: Record<string, unknown> = {}
  holdsItself.me = holdsItself
  const results: Record<string, unknown> = {
    cyclic: holdsItself,
    deep: JSON.parse(nested(100_000)),
    'too deep': JSON.parse(nested(65)),
    edge: JSON.parse(nested(64)),
    big: { at: 1n },
    silent: { toJSON: () => undefined },
  }
  cloud.pages.push(`[${Object.keys(results).map(id => mailText(id, 'give'))}]`)
  await deviceAt(t, cloud, ({ actions }) =>
    actions.register('give', ({ id }) => ({ params: results[id] as Record<string, unknown> })),
  )
  await eventually('the answers', () => cloud.acks.length === 6)
  const of = (id: string) => cloud.acks.find(ack => ack.id === id)
  for (const [id, why] of [
    ['cyclic', /not JSON: an object in it holds itself/],
    ['deep', /nested deeper than 64 levels/],
    ['too deep', /nested deeper than 64 levels/],
    ['big', /not JSON: .*BigInt/],
    ['silent', /not a JSON object/],
  ] as const) {
    assert.equal(of(id)?.errorCode, 19, id)
    assert.match(of(id)?.errorMessage ?? '', why)
  }
  assert.equal(of('edge')?.errorCode, 0)
})

test('a page of 5,000 mails is carried out once each, while pings and mail that comes later are answered', async t => {
  const many = 5_000
  const cloud = await hostileCloud(t)
  let ran = 0
  cloud.pages.push(`[${Array.from({ length: many }, (_, at) => mailText(`m${at}`, 'go')).join(',')}]`)
  const { client, configDir } = await deviceAt(t, cloud, ({ actions }) => {
    actions.register('go', () => void ran++, { repeatable: true })
    actions.register('urgent', () => {})
  })
  await eventually('the first answers', () => cloud.acks.length >= 2)
  assert.ok(ran < many / 2, `${ran} had run before the second was answered`)
  await client.diagnostics.ping()
  cloud.pages.push(`[${mailText('urgent', 'urgent')}]`)
  cloud.notify()
  await eventually('the answer of the later one', () => cloud.acks.some(({ id }) => id === 'urgent'))
  assert.ok(cloud.acks.length < many / 2, `${cloud.acks.length} were answered before it`)
  const { open } = client.status().mailbox ?? { open: 0 }
  assert.ok(open <= 250, `${open} are open`)
  await eventually('all answers', () => cloud.acks.length === many + 1, 120_000)
  assert.equal(ran, many)
  assert.equal(new Set(cloud.acks.map(({ id }) => id)).size, many + 1)
  assert.ok(journalOf(configDir).length < 8 * 1024 * 1024)
})
