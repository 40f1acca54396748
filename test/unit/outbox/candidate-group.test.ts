// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import test from 'node:test'
import {
  afterLinkEnd,
  type CandidateGroup,
  groupOf,
  restBefore,
  withoutAnswered,
} from '../../../src/outbox/candidate-group.ts'

const struck = { isProven: true, afterMs: 50 }

test('a group is halved with each link that ends, until one item is left', () => {
  let group = groupOf('telemetry', [...new Array(500).keys()])
  const sizes: number[] = []
  while (group.marks.length > 1) {
    sizes.push(group.portion)
    const finding = afterLinkEnd(group, group.marks.slice(0, group.portion), struck)
    assert.ok(finding.kind !== 'poison')
    group = finding.group
  }
  assert.deepEqual(sizes, [250, 125, 62, 31, 15, 7, 3, 1])
  assert.equal(group.strikes, 1, 'the last of them was alone')
})

test('an item that ends the link three times while it is alone is poison', () => {
  const first = afterLinkEnd(groupOf('event', [7]), [7], struck)
  assert.ok(first.kind === 'held back')
  const second = afterLinkEnd(first.group, [7], struck)
  assert.ok(second.kind === 'held back')
  assert.equal(second.group.strikes, 2)
  assert.equal(afterLinkEnd(second.group, [7], struck).kind, 'poison')
})

test('a link that had carried nothing, and one that ends late, are no strikes, however many they are', () => {
  for (const how of [
    { isProven: false, afterMs: 50 },
    { isProven: true, afterMs: 10_001 },
  ]) {
    let group: CandidateGroup = groupOf('alarm', [7])
    for (let end = 0; end < 100; end++) {
      const finding = afterLinkEnd(group, [7], how)
      assert.ok(finding.kind === 'held back')
      group = finding.group
    }
    assert.deepEqual([group.strikes, group.ends], [0, 100])
  }
})

test('what the cloud has answered is no candidate any more', () => {
  const group = groupOf('ack', [1, 2, 3])
  assert.deepEqual(withoutAnswered(group, new Set([1, 3]))?.marks, [2])
  assert.equal(withoutAnswered(group, new Set([1, 2, 3])), undefined)
})

test('the first try costs no wait, the next ones two seconds each, and those without end ever more, at most five minutes', () => {
  const rest = (ends: number) => restBefore({ ...groupOf('event', [7]), ends })
  assert.deepEqual([0, 1, 8, 16, 17, 18, 100].map(rest), [0, 2000, 2000, 2000, 4000, 8000, 300_000])
})
