// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { asAgentError, type ErrorCode, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { scanRecords } from '../../base/record.ts'
import { isLasting } from '../../platform/files/file-failure.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import { type JournalStep, parseStep } from './journal-step.ts'
import type { MemoryJournal } from './memory-journal.ts'

export interface JournalReaderParts {
  readonly folder: StoreFolder
  readonly fileName: string
  readonly clock: Clock
  readonly log: Log
}

/** What is read at start; a larger file is not one of ours. */
const maxFileBytes = 64 * 1024 * 1024
/** A journal that cannot be read is tried again, so often and after so long. */
const readTries = 4
const readAgainMs = 500
/** Another process has the file, or others could have written it: in neither case is it this process's to set aside. */
const notOurs: readonly ErrorCode[] = ['POLICY_REFUSED', 'ALREADY_RUNNING']

/** Reads what an earlier process left into the memory. A file that cannot be read is set aside, and the log says so. */
export async function readJournal(memory: MemoryJournal, parts: JournalReaderParts): Promise<void> {
  const { folder, fileName, log } = parts
  try {
    await folder.prepare()
    if ((await folder.names()).includes(fileName)) await readPatiently(memory, parts)
  } catch (error) {
    if (notOurs.includes(asAgentError(error).code)) {
      log.error('the journal of actions is not read', { path: folder.path, error: messageOf(error) })
      return
    }
    log.error('the journal of actions cannot be read; it is set aside', { path: folder.path, error: messageOf(error) })
    await folder.rename(fileName, `${fileName}.damaged`).catch(() => {})
  }
}

/** A second try is worth a short wait: without the journal, actions of the earlier process may run again. */
async function readPatiently(memory: MemoryJournal, parts: JournalReaderParts): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await readOnce(memory, parts)
    } catch (error) {
      if (isLasting(error) || tries === readTries) throw error
      await new Promise<void>(resolve => parts.clock.timer(readAgainMs, resolve))
    }
  }
}

async function readOnce(memory: MemoryJournal, { folder, fileName, log }: JournalReaderParts): Promise<void> {
  const bytes = await folder.read(fileName, 0, maxFileBytes)
  const steps: JournalStep[] = []
  const { damagedBytes } = scanRecords(bytes, ({ body }) => {
    const step = parseStep(body)
    if (step !== undefined) steps.push(step)
    return undefined
  })
  if (damagedBytes > 0) log.warn('the journal of actions is damaged; what it hit is passed over', { damagedBytes })
  for (const step of steps) await replay(memory, step)
}

function replay(memory: MemoryJournal, step: JournalStep): Promise<void> {
  switch (step.step) {
    case 'accept':
      return memory.accept(step.id, step.call)
    case 'start':
      return memory.start(step.id, { bootId: step.bootId })
    case 'hand over':
      return memory.handOver(step.id, step.outcome, { onlyAfterReboot: step.onlyAfterReboot ?? false })
    case 'finish':
      return memory.finish(step.id, step.outcome)
    case 'settle':
      return memory.settle(step.id)
  }
}
