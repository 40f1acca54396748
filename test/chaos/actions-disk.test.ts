// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { storeFolder } from '../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../src/platform/store/write-budget.ts'
import { FlashJournal } from '../../src/services/mailbox/flash-journal.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { memoryLog } from '../helpers/memory-log.ts'
import { type DiskFault, smallDisk } from '../helpers/small-disk.ts'

const call = { method: 'go', params: { text: 'x'.repeat(6000) } }
const done = { status: 0, message: 'x'.repeat(6000) } as const

async function openJournal(t: TestContext, path: string) {
  const { log, text } = memoryLog()
  const folder = storeFolder(path, new WriteBudget())
  const journal = await FlashJournal.open({ folder, clock: new FakeClock(), log, bootId: 'boot' })
  t.after(() => journal.close())
  return { journal, text }
}

/** The life of a mail, step by step. */
const steps: readonly [string, (journal: FlashJournal, id: string) => Promise<void>][] = [
  ['accept', (journal, id) => journal.accept(id, call)],
  ['start', (journal, id) => journal.start(id)],
  ['finish', (journal, id) => journal.finish(id, done)],
  ['settle', (journal, id) => journal.settle(id)],
]

/**
 * How many of the steps can be the first that fails: a file system cannot become read-only under an open file, and the last
 * step is small enough for any disk.
 */
const faults: readonly [DiskFault, number][] = [
  ['full', 3],
  ['without inodes', 3],
  ['read-only', 1],
]

for (const [fault, maxAt] of faults)
  for (const [at, [name]] of steps.slice(0, maxAt).entries())
    test(`a disk that is ${fault} from "${name}" on: calls go on, and the journal is whole when the disk is`, async t => {
      const disk = smallDisk(t, fault)
      if (disk === undefined) return
      // Only the first step makes a file; the others add to it.
      const bites = fault !== 'without inodes' || at === 0
      const path = join(disk.path, 'state')
      const { journal, text } = await openJournal(t, path)
      for (const [index, [, take]] of steps.entries()) {
        if (index === at) disk.break()
        await take(journal, 'm1')
      }
      if (bites) assert.match(text(), /journal of actions cannot be written/)
      else assert.equal(text(), '')
      assert.deepEqual((await journal.find('m1'))?.outcome, done)
      disk.heal()
      await journal.accept('m2', call)
      await journal.start('m2')
      const { journal: next } = await openJournal(t, path)
      assert.deepEqual(await next.find('m1'), { id: 'm1', state: 'finished', outcome: done, settled: true })
      assert.equal((await next.find('m2'))?.state, 'started')
      if (bites) assert.match(text(), /written again/)
    })

test('on a disk that is full nothing is handed over', async t => {
  const disk = smallDisk(t, 'full')
  if (disk === undefined) return
  const { journal } = await openJournal(t, join(disk.path, 'state'))
  await journal.accept('m1', call)
  await journal.start('m1')
  disk.break()
  await assert.rejects(journal.handOver('m1', done, { onlyAfterReboot: true }), { code: 'DISK_FULL' })
  assert.equal((await journal.find('m1'))?.state, 'started')
})
