// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { claimQueue, queueFolder } from '../../../src/client/queue-folder.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { lockHolder } from '../../helpers/lock-holder.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

/** A queue folder on `path`, whose lock fails with `failure.is` as long as there is one. */
function queueOf(path: string, failure: { is?: AgentError } = {}) {
  const { log, text } = memoryLog()
  const inner = storeFolder(path, new WriteBudget())
  const lock = (name: string) => (failure.is === undefined ? inner.lock(name) : Promise.reject(failure.is))
  return { folder: queueFolder({ ...inner, lock }, log), log, text }
}

function claim(t: TestContext, path: string) {
  const clock = new FakeClock()
  const { folder, log } = queueOf(path)
  t.after(() => folder.release())
  const { signal } = new AbortController()
  const claimed = claimQueue({ folder, queueLock: 'wait', durability: 'spill', clock, log, signal, onWait: () => {} })
  return { clock, claimed }
}

test('a queue that another process uses is waited for 10 seconds, and then refused with the pid', async t => {
  const path = tempDir(t)
  const holder = await lockHolder(t, join(path, 'lock'))
  const { clock, claimed } = claim(t, path)
  let ended: unknown
  claimed.catch(error => {
    ended = error
  })
  while (clock.monotonicMs() < 9_800) {
    await eventually('the next look', () => clock.timers === 1)
    assert.equal(ended, undefined, `after ${clock.monotonicMs()} ms`)
    await clock.advance(200)
  }
  await eventually('the next look', () => clock.timers === 1)
  await clock.advance(200)
  await assert.rejects(claimed, {
    code: 'ALREADY_RUNNING',
    details: { pid: holder.child.pid, path: join(path, 'lock') },
  })
})

test('what begins without a lock, because the disk takes none, touches nothing that another process got meanwhile', async t => {
  const path = tempDir(t)
  const failure: { is?: AgentError } = { is: new AgentError('DISK_FULL', 'cannot create it: the file system is full') }
  const first = queueOf(path, failure)
  await first.folder.prepare()
  assert.match(first.text(), /queue folder not locked/)
  await (await first.folder.create('one.seg', 'test')).close()
  const second = queueOf(path)
  await second.folder.prepare()
  delete failure.is
  const inUse = { code: 'ALREADY_RUNNING' }
  await assert.rejects(first.folder.prepare(), inUse)
  for (const touch of [
    () => first.folder.names(),
    () => first.folder.read('one.seg', 0, 1),
    () => first.folder.create('two.seg', 'test'),
    () => first.folder.reopen('one.seg', 'test'),
    () => first.folder.replace('one.seg', new Uint8Array(1), 'test'),
    () => first.folder.rename('one.seg', 'two.seg'),
    () => first.folder.remove('one.seg'),
  ])
    await assert.rejects(touch(), inUse, String(touch))
  await second.folder.release()
  await first.folder.prepare()
  assert.ok((await first.folder.names()).includes('one.seg'))
  await first.folder.release()
  await assert.rejects(first.folder.prepare(), { code: 'CLOSED' })
})
