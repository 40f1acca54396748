// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, Series, SeriesBudget } from '../../../src/cloud/store/series.ts'
import { momentOf } from '../../../src/cloud/values/timestamp.ts'

const at = (second: number) => momentOf(`2024-03-05T10:11:${String(second).padStart(2, '0')}.000001Z`)
const seconds = (rows: readonly { ts: string }[]) => rows.map(row => Number(row.ts.slice(17, 19)))

function filled(...all: number[]): Series<{ ts: string; ms: number }> {
  const series = new Series<{ ts: string; ms: number }>(1000, new SeriesBudget(10_000))
  for (const second of all) series.insert(at(second))
  return series
}

test('puts a late entry where its time belongs', () => {
  const series = filled(1, 5, 3, 2)
  assert.deepEqual(seconds(series.all()), [1, 2, 3, 5])
  assert.equal(series.newest?.ts, at(5).ts)
  assert.equal(series.at(at(4).ms)?.ts, at(3).ts)
  assert.equal(series.at(at(0).ms), undefined)
})

test('selects by records before last before start and end, both ends included [TR50 3.0]', () => {
  const series = filled(1, 2, 3, 4, 5)
  assert.deepEqual(seconds(series.select({ records: 2, start: at(1).ts })), [4, 5])
  assert.deepEqual(seconds(series.select({ start: at(2).ts, end: at(4).ts })), [2, 3, 4])
  assert.deepEqual(seconds(series.select({ records: 0 })), [])
  assert.deepEqual(seconds(series.select({ last: '1h' })), [])
  assert.deepEqual(seconds(series.select({})), [1, 2, 3, 4, 5])
})

test('keeps only the newest entries, and counts all it received', () => {
  const series = new Series<{ ts: string; ms: number }>(4, new SeriesBudget(10_000))
  for (let second = 0; second < 50; second++) series.insert(at(second))
  assert.deepEqual(seconds(series.all()), [46, 47, 48, 49])
  assert.equal(series.received, 50)
})

test('all series together stay within the budget', () => {
  const budget = new SeriesBudget(1000)
  const many = Array.from({ length: 5 }, () => new Series<{ ts: string; ms: number }>(10_000, budget))
  for (let turn = 0; turn < 2000; turn++) many[turn % 5]?.insert(at(turn % 60))
  assert.ok(budget.used <= 1001, `${budget.used} entries`)
  for (const series of many) series.clear()
  assert.equal(budget.used, 0)
})

test('a span of time needs a unit', () => {
  assert.equal(durationMs('24h'), 86_400_000)
  assert.throws(() => durationMs('24'), /last "24"/)
})
