// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { AgentError } from '../../../src/base/errors.ts'
import type { Json } from '../../../src/base/json.ts'
import { isDeeperThan, maxJsonDepth } from '../../../src/base/json.ts'
import { parseWrittenJson } from '../../../src/base/written-json.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { FlashJournal } from '../../../src/services/mailbox/flash-journal.ts'
import { parseMail } from '../../../src/services/mailbox/mail.ts'
import { needsRoot, stranger } from '../../helpers/as-root.ts'
import { eventually } from '../../helpers/eventually.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const call = { method: 'open_valve', params: { which: 3, note: 'für immer' } }
const done = { status: 0, message: '', params: { opened: true } } as const

/** Opens the journal of a folder, as a new process would. */
async function openJournal(t: TestContext, path: string, bootId = 'boot-1') {
  const budget = new WriteBudget()
  const { log, text } = memoryLog()
  const clock = new FakeClock()
  const troubles: (string | undefined)[] = []
  const onTrouble = (trouble: AgentError | undefined) => void troubles.push(trouble?.code)
  const journal = await FlashJournal.open({ folder: storeFolder(path, budget), clock, log, bootId, onTrouble })
  t.after(() => journal.close())
  return { journal, budget, text, clock, troubles }
}

test('an action that was started is known as started after the process was killed, with the run of the system', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  await first.journal.accept('m1', call)
  await first.journal.start('m1')
  const { journal } = await openJournal(t, path, 'boot-2')
  assert.deepEqual(await journal.unsettled(), [{ id: 'm1', state: 'started', call, bootId: 'boot-1' }])
})

test('the numbers of a call are known after a restart as they were written', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  const mail = parseMail(
    parseWrittenJson(
      '{"id":"m1","command":"method.exec","params":{"method":"go","params":{"iccid":89014103211118510720,"x":1.50,"in":{"n":9007199254740993}}}}',
    ),
  )
  assert.ok(mail.kind === 'call')
  await first.journal.accept('m1', mail.call)
  const { journal } = await openJournal(t, path)
  const [entry] = await journal.unsettled()
  assert.deepEqual(entry?.call, {
    method: 'go',
    params: { iccid: '89014103211118510720', x: 1.5, in: { n: '9007199254740993' } },
    written: { iccid: '89014103211118510720', x: '1.50' },
  })
})

test('a call that cannot be written is refused, is in no memory, and the journal goes on', async t => {
  const path = tempDir(t)
  const { journal, text, troubles } = await openJournal(t, path)
  await journal.accept('m1', call)
  // Depth alone is no reason any more: newer Nodes write any.
  const params: Record<string, Json> = {}
  params.self = params
  await assert.rejects(journal.accept('m2', { method: 'go', params }), TypeError)
  await assert.rejects(journal.handOver('m1', { status: 0, params }, { onlyAfterReboot: false }), TypeError)
  await assert.rejects(journal.finish('m1', { status: 0, params }), TypeError)
  assert.equal(await journal.find('m2'), undefined)
  assert.equal((await journal.find('m1'))?.state, 'accepted')
  await journal.finish('m1', done)
  const next = await openJournal(t, path)
  assert.deepEqual(await next.journal.unsettled(), [{ id: 'm1', state: 'finished', outcome: done }])
  assert.deepEqual(troubles, [])
  assert.equal(text(), '')
})

test('a record of a former agent with parameters that are deeper than today is read, and seen to be too deep', async t => {
  const path = tempDir(t)
  const { journal } = await openJournal(t, path)
  const deep = (depth: number) => JSON.parse('{"a":'.repeat(depth) + 1 + '}'.repeat(depth))
  await journal.accept('m1', { method: 'go', params: deep(64) })
  await journal.accept('m2', { method: 'go', params: deep(1000) })
  await journal.close()
  const [whole, cut] = await (await openJournal(t, path)).journal.unsettled()
  assert.deepEqual(whole?.call?.params, deep(64))
  assert.equal(isDeeperThan(cut?.call?.params ?? null, maxJsonDepth), true)
})

test('start and outcome are on the disk before they are told, a mail alone is not worth a write of its own', async t => {
  const { journal, budget, clock } = await openJournal(t, tempDir(t))
  const syncs = () => budget.counts().journal?.syncs ?? 0
  await journal.accept('m1', call)
  const afterFirst = syncs()
  await journal.accept('m2', call)
  assert.equal(syncs(), afterFirst)
  await journal.start('m1')
  assert.equal(syncs(), afterFirst + 1)
  await journal.finish('m1', done)
  assert.equal(syncs(), afterFirst + 2)
  await journal.settle('m1')
  assert.equal(syncs(), afterFirst + 2)
  await journal.accept('m3', call)
  await clock.advance(500)
  await journal.close()
  assert.ok(syncs() >= afterFirst + 3, 'a mail that waits reaches the disk soon')
})

test('an action that may run twice costs no forced write on its way, and a kill does not lose it', async t => {
  const path = tempDir(t)
  const { journal, budget, clock } = await openJournal(t, path)
  const syncs = () => budget.counts().journal?.syncs ?? 0
  await journal.accept('m1', call)
  const afterFirst = syncs()
  await journal.start('m1', { lazily: true })
  const { journal: next } = await openJournal(t, path)
  assert.equal((await next.find('m1'))?.state, 'started')
  await journal.finish('m1', done, { lazily: true })
  const { journal: last } = await openJournal(t, path)
  assert.deepEqual((await last.find('m1'))?.outcome, done)
  assert.equal(syncs(), afterFirst)
  await clock.advance(500)
  await journal.close()
  assert.ok(syncs() > afterFirst, 'it reaches the disk soon')
})

test('an outcome that the cloud has not taken is there for the next process, word for word', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  await first.journal.accept('m1', call)
  await first.journal.start('m1')
  await first.journal.finish('m1', { status: 19, message: 'ERROR: kaputt ✗' })
  const { journal } = await openJournal(t, path)
  const [entry] = await journal.unsettled()
  assert.equal(entry?.state, 'finished')
  assert.deepEqual(entry?.outcome, { status: 19, message: 'ERROR: kaputt ✗' })
})

test('a settled mail is remembered with its outcome, so that it is answered and not run when it comes again', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  await first.journal.accept('m1', call)
  await first.journal.start('m1')
  await first.journal.finish('m1', done)
  await first.journal.settle('m1')
  const { journal } = await openJournal(t, path)
  assert.deepEqual(await journal.unsettled(), [])
  assert.deepEqual((await journal.find('m1'))?.outcome, done)
})

test('what is handed over is on the disk when it is told, with what the next process needs to answer', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  await first.journal.accept('m1', call)
  await first.journal.start('m1')
  const syncs = first.budget.counts().journal?.syncs ?? 0
  await first.journal.handOver('m1', done, { onlyAfterReboot: true })
  assert.equal(first.budget.counts().journal?.syncs, syncs + 1)
  await first.journal.accept('m2', call)
  await first.journal.start('m2')
  await first.journal.handOver('m2', undefined, { onlyAfterReboot: false })
  const expected = [
    { id: 'm1', state: 'handed over', call, bootId: 'boot-1', outcome: done, onlyAfterReboot: true },
    { id: 'm2', state: 'handed over', call, bootId: 'boot-1' },
  ]
  // By the third process the file was written anew by the second.
  for (const boot of ['boot-2', 'boot-3']) {
    const { journal } = await openJournal(t, path, boot)
    assert.deepEqual(await journal.unsettled(), expected)
    await journal.accept(boot, call)
    await journal.finish(boot, done)
    await journal.settle(boot)
  }
})

test('without a disk nothing is handed over: the call goes on in this process', async t => {
  const path = join(tempDir(t), 'state')
  writeFileSync(path, 'a file where the folder should be')
  const { journal } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  await assert.rejects(journal.handOver('m1', done, { onlyAfterReboot: true }), { code: 'FILE_ACCESS' })
  assert.deepEqual(await journal.find('m1'), { id: 'm1', state: 'started', call, bootId: 'boot-1' })
  rmSync(path)
  await journal.handOver('m1', done, { onlyAfterReboot: false })
  assert.equal((await journal.find('m1'))?.state, 'handed over')
})

test('after the end nothing is written, and idle writes nothing', async t => {
  const path = tempDir(t)
  const { journal, budget, clock } = await openJournal(t, path)
  await clock.advance(86_400_000)
  assert.deepEqual(budget.counts(), {})
  await journal.accept('m1', call)
  await journal.close()
  const written = budget.counts()
  await clock.advance(86_400_000)
  await journal.finish('m1', done)
  assert.deepEqual(budget.counts(), written)
})

test('the file does not grow for ever', async t => {
  const path = tempDir(t)
  const { journal, budget } = await openJournal(t, path)
  const large = { status: 0, message: 'x'.repeat(40_000) } as const
  for (let mail = 0; mail < 60; mail++) {
    const id = `m${mail}`
    await journal.accept(id, call)
    await journal.finish(id, large)
    await journal.settle(id)
  }
  // At most twice of what is remembered (1 MB of outcomes), and a step.
  assert.ok(statSync(join(path, 'actions.journal')).size < 2.2 * 1024 * 1024)
  // And it is not rewritten for every step.
  assert.ok((budget.counts().journal?.bytes ?? 0) < 3 * 60 * large.message.length)
  const second = await openJournal(t, path)
  assert.deepEqual((await second.journal.find('m59'))?.outcome, large)
})

test('a journal cut at any byte opens, and knows every step that is whole', async t => {
  const path = tempDir(t)
  const first = await openJournal(t, path)
  const sizes: number[] = []
  const size = () => sizes.push(statSync(join(path, 'actions.journal')).size)
  await first.journal.accept('m1', call)
  size()
  await first.journal.start('m1')
  size()
  await first.journal.finish('m1', done)
  size()
  const whole = readFileSync(join(path, 'actions.journal'))
  const states = [undefined, 'accepted', 'started', 'finished']
  for (let cut = 0; cut <= whole.length; cut++) {
    const folder = tempDir(t)
    writeFileSync(join(folder, 'actions.journal'), whole.subarray(0, cut))
    const { journal } = await openJournal(t, folder)
    const steps = sizes.filter(bytes => bytes <= cut).length
    assert.equal((await journal.find('m1'))?.state, states[steps], `cut at ${cut}`)
  }
})

test('rubbish in the place of the journal is no reason not to start', async t => {
  const path = tempDir(t)
  writeFileSync(join(path, 'actions.journal'), Buffer.alloc(5000, 0xfe))
  const { journal, text } = await openJournal(t, path)
  assert.match(text(), /damaged/)
  await journal.accept('m1', call)
  await journal.start('m1')
  const second = await openJournal(t, path)
  assert.equal((await second.journal.find('m1'))?.state, 'started')
})

test('without a disk the actions go on, loudly', async t => {
  const path = join(tempDir(t), 'state')
  writeFileSync(path, 'a file where the folder should be')
  const { journal, text } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  await journal.finish('m1', done)
  assert.equal((await journal.find('m1'))?.state, 'finished')
  assert.match(text(), /ERROR.*journal of actions cannot be written.* error=/)
  rmSync(path)
  await journal.settle('m1')
  assert.match(text(), /written again/)
})

for (const [what, take] of [
  ['removed', (path: string) => rmSync(path, { recursive: true })],
  [
    'replaced',
    (path: string) => {
      renameSync(path, `${path}.away`)
      mkdirSync(path)
    },
  ],
] as const)
  test(`a folder that is ${what} under the agent: the next step takes everything that is known to a new file`, async t => {
    const path = join(tempDir(t), 'state')
    const { journal, text, troubles } = await openJournal(t, path)
    await journal.accept('m1', call)
    await journal.start('m1')
    await journal.finish('m1', done)
    take(path)
    await journal.accept('m2', call)
    await journal.start('m2')
    assert.match(text(), /written anew/)
    assert.deepEqual(troubles, [])
    const { journal: next } = await openJournal(t, path)
    assert.deepEqual(await next.find('m1'), { id: 'm1', state: 'finished', outcome: done })
    assert.equal((await next.find('m2'))?.state, 'started')
  })

test('a journal that could not be written is written as soon as it can be, without a further call', async t => {
  const path = join(tempDir(t), 'state')
  writeFileSync(path, 'a file where the folder should be')
  const { journal, troubles, clock } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  await journal.finish('m1', done)
  await clock.advance(10_000)
  assert.deepEqual(troubles, ['FILE_ACCESS'])
  rmSync(path)
  // A try that was under way before counts too; the next one comes by the clock.
  await eventually('the journal is written', () => clock.advance(20_000).then(() => troubles.length === 2))
  const { journal: next } = await openJournal(t, path)
  assert.deepEqual(await next.find('m1'), { id: 'm1', state: 'finished', outcome: done })
})

test('the end of the process is the last chance for a journal that could not be written', async t => {
  const path = join(tempDir(t), 'state')
  writeFileSync(path, 'a file where the folder should be')
  const { journal } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  await journal.finish('m1', done)
  rmSync(path)
  await journal.close()
  const { journal: next } = await openJournal(t, path)
  assert.deepEqual((await next.find('m1'))?.outcome, done)
})

test('trouble is told once when it begins and once when it is over', async t => {
  const path = join(tempDir(t), 'state')
  writeFileSync(path, 'a file where the folder should be')
  const { journal, troubles } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  await journal.finish('m1', done)
  assert.deepEqual(troubles, ['FILE_ACCESS'])
  rmSync(path)
  await journal.settle('m1')
  assert.deepEqual(troubles, ['FILE_ACCESS', undefined])
  const { journal: next } = await openJournal(t, path)
  assert.equal((await next.find('m1'))?.settled, true)
  assert.deepEqual(readdirSync(path), ['actions.journal'])
})

test(
  'a journal that another user could have written orders nothing, and is written anew when the folder is sound',
  needsRoot,
  async t => {
    const path = join(tempDir(t), 'queue')
    const forged = await openJournal(t, path)
    await forged.journal.accept('m1', call)
    await forged.journal.close()
    chownSync(path, stranger, stranger)

    const { journal, text, clock, troubles } = await openJournal(t, path)
    assert.deepEqual(await journal.unsettled(), [])
    assert.match(text(), /is not trusted, because another user can change it.*chown root: /)
    await journal.accept('m2', call)
    assert.deepEqual(troubles, ['POLICY_REFUSED'])
    await assert.rejects(journal.handOver('m2', undefined, { onlyAfterReboot: true }), { code: 'POLICY_REFUSED' })

    chownSync(path, 0, 0)
    await clock.advance(60_000)
    await eventually('the journal on flash', () => troubles.length === 2)
    const { journal: next } = await openJournal(t, path)
    assert.deepEqual(
      (await next.unsettled()).map(({ id }) => id),
      ['m2'],
    )
  },
)

test('a step that is on its way into the file when the process ends is there for the next one', async t => {
  const path = tempDir(t)
  const { journal } = await openJournal(t, path)
  await journal.accept('m1', call)
  await journal.start('m1')
  void journal.finish('m1', done)
  // Far enough that the step is known, and not yet that anything is written.
  await Promise.resolve()
  journal.lastWrite()
  const killed = readFileSync(join(path, 'actions.journal'))
  const other = tempDir(t)
  writeFileSync(join(other, 'actions.journal'), killed)
  const next = await openJournal(t, other)
  assert.deepEqual(await next.journal.unsettled(), [{ id: 'm1', state: 'finished', outcome: done }])
})

test('a journal whose steps are all in the file is not written again at the end of the process', async t => {
  const path = tempDir(t)
  const { journal, budget } = await openJournal(t, path)
  await journal.accept('m1', call)
  const before = budget.counts()
  journal.lastWrite()
  assert.deepEqual(budget.counts(), before)
})
