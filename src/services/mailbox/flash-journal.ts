// SPDX-License-Identifier: Apache-2.0
import { backoffMs } from '../../base/backoff.ts'
import type { Clock, Timer } from '../../base/clock.ts'
import { type AgentError, asAgentError, messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { SerialQueue } from '../../base/serial-queue.ts'
import type { AppendFile } from '../../platform/store/append-file.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import type { ActionOutcome, RecordOptions } from '../../protocol/action-reply.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { readJournal } from './journal-reader.ts'
import { frameStep, stepsOf } from './journal-step.ts'
import type { MailCall } from './mail.ts'
import { MemoryJournal } from './memory-journal.ts'

const fileName = 'actions.journal'
/** Below this the file only grows; beyond twice of what is worth knowing it is replaced by that. */
const compactBytes = 256 * 1024
/** A journal that cannot be written is tried again by itself: without a further call nothing else would. */
const writeAgain = { firstMs: 5000, maxMs: 300_000 }
/** How long a mail that waits for its turn, or may be carried out twice, may be known to the memory of the kernel alone. */
const lazySyncMs = 500

export interface FlashJournalOptions {
  readonly folder: StoreFolder
  readonly clock: Clock
  readonly log: Log
  /** Identity of the present run of the system; distinguishes a reboot from a restart. */
  readonly bootId: string | undefined
  /** The disk does not take what should be written, or takes it again (undefined). */
  readonly onTrouble?: (trouble: AgentError | undefined) => void
}

/**
 * A journal that outlives the process: each step is one record in an append-only file. The start of an action and its
 * outcome are on the disk before anything follows from them. A file that fails once is left for a new one with everything in
 * it, because what a failed write left is unknown. A disk that takes nothing is logged as an error once a minute;
 * the actions go on with the memory alone, because a device that cannot be operated is worse. Only what is handed over to
 * the next process needs the disk.
 */
export class FlashJournal implements Journal {
  readonly #options: FlashJournalOptions
  readonly #memory = new MemoryJournal()
  #writer: AppendFile | undefined
  readonly #serial = new SerialQueue()
  #sync: Promise<void> | undefined
  #lazySync: Timer | undefined
  #trouble: AgentError | undefined
  #failures = 0
  #writeAgain: Timer | undefined
  #compactAtBytes = compactBytes
  #closed = false
  /** Steps that are on their way into the file. */
  #underWay = 0

  private constructor(options: FlashJournalOptions) {
    this.#options = options
  }

  /** Reads what an earlier process left. What cannot be read is set aside and said so; what others could have written stays unread. */
  static async open(options: FlashJournalOptions): Promise<FlashJournal> {
    const journal = new FlashJournal(options)
    await readJournal(journal.#memory, { ...options, fileName })
    return journal
  }

  find(id: string): Promise<JournalEntry | undefined> {
    return this.#memory.find(id)
  }

  unsettled(): Promise<readonly JournalEntry[]> {
    return this.#memory.unsettled()
  }

  async accept(id: string, call: MailCall): Promise<void> {
    // What cannot be written must not be in memory either: the file would never again be made from that.
    const frame = frameStep({ step: 'accept', id, call })
    await this.#memory.accept(id, call)
    await this.#write(frame)
    // Nearly always the start follows at once and takes this record to the disk with it.
    this.#toDiskSoon()
  }

  async start(id: string, { lazily = false }: RecordOptions = {}): Promise<void> {
    const { bootId } = this.#options
    await this.#memory.start(id, { bootId })
    await this.#write(frameStep({ step: 'start', id, bootId }))
    await (lazily ? this.#toDiskSoon() : this.#toDisk())
  }

  async handOver(
    id: string,
    outcome: ActionOutcome | undefined,
    options: { readonly onlyAfterReboot: boolean },
  ): Promise<void> {
    const frame = frameStep({
      step: 'hand over',
      id,
      outcome,
      onlyAfterReboot: options.onlyAfterReboot ? true : undefined,
    })
    await this.#memory.handOver(id, outcome, options)
    await this.#write(frame)
    await this.#toDisk()
    if (this.#trouble === undefined) return
    await this.#memory.start(id, { bootId: this.#options.bootId })
    throw this.#trouble
  }

  async finish(id: string, outcome: ActionOutcome, { lazily = false }: RecordOptions = {}): Promise<void> {
    const frame = frameStep({ step: 'finish', id, outcome })
    await this.#memory.finish(id, outcome)
    await this.#write(frame)
    await (lazily ? this.#toDiskSoon() : this.#toDisk())
  }

  async settle(id: string): Promise<void> {
    await this.#memory.settle(id)
    // Lost in a power cut, it costs one more acknowledgement that the cloud refuses.
    await this.#write(frameStep({ step: 'settle', id }))
  }

  /** Writes what is not in the file yet, while the caller waits, because the process ends. */
  lastWrite(): void {
    if (this.#closed || (this.#underWay === 0 && this.#trouble === undefined)) return
    this.#options.folder.replaceNow(fileName, this.#whole(), 'journal')
  }

  /** Nothing is written any more when it resolves. */
  async close(): Promise<void> {
    await this.#toDisk()
    this.#writeAgain?.cancel()
    await this.#heal()
    this.#closed = true
    this.#writeAgain?.cancel()
    await this.#serial.run(() => this.#endWriter())
  }

  #write(frame: Uint8Array): Promise<void> {
    this.#underWay++
    return this.#serial.run(async () => {
      try {
        if (this.#closed) return
        if (this.#writer !== undefined && this.#writer.bytes < this.#compactAtBytes)
          await this.#onFile(this.#writer, writer => writer.append(frame))
        else await this.#orTrouble(() => this.#writeAnew())
      } finally {
        this.#underWay--
      }
    })
  }

  /** Does something with the present file, or makes a new one when that fails. */
  #onFile(writer: AppendFile, work: (writer: AppendFile) => Promise<void>): Promise<void> {
    return this.#orTrouble(async () => {
      try {
        await work(writer)
      } catch (error) {
        await this.#writeAnew()
        this.#options.log.limited(
          'journal anew',
          'warn',
          'the file of the journal of actions failed; it is written anew',
          {
            error: messageOf(error),
          },
        )
      }
    })
  }

  async #orTrouble(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.#healed()
    } catch (error) {
      await this.#failed(error)
    }
  }

  /**
   * A new file with all that is worth knowing, the present step included: at the first step of a process, so that nothing
   * follows a torn end, and when the file has grown.
   */
  async #writeAnew(): Promise<void> {
    await this.#endWriter()
    const { folder } = this.#options
    await folder.prepare()
    await folder.replace(fileName, this.#whole(), 'journal')
    this.#writer = await folder.reopen(fileName, 'journal')
    this.#compactAtBytes = Math.max(compactBytes, 2 * this.#writer.bytes)
  }

  #whole(): Uint8Array {
    return Buffer.concat(this.#memory.all().flatMap(entry => stepsOf(entry).map(frameStep)))
  }

  #toDiskSoon(): void {
    this.#lazySync ??= this.#options.clock.timer(lazySyncMs, () => void this.#toDisk(), { background: true })
  }

  /** Returns when everything written so far is on the disk; those who ask at the same time share one write. */
  #toDisk(): Promise<void> {
    this.#lazySync?.cancel()
    this.#lazySync = undefined
    this.#sync ??= this.#serial.run(async () => {
      this.#sync = undefined
      if (this.#writer !== undefined) await this.#onFile(this.#writer, writer => writer.sync())
    })
    return this.#sync
  }

  async #endWriter(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close().catch(() => {})
  }

  async #failed(error: unknown): Promise<void> {
    await this.#endWriter()
    const isNew = this.#trouble === undefined
    this.#trouble = asAgentError(error)
    this.#options.log.limited(
      'journal',
      'error',
      'the journal of actions cannot be written: after a crash an action may run again or stay unanswered',
      { error: messageOf(error) },
    )
    if (isNew) this.#options.onTrouble?.(this.#trouble)
    this.#writeAgain?.cancel()
    const delayMs = backoffMs(writeAgain, this.#failures++, this.#options.clock.random())
    this.#writeAgain = this.#options.clock.timer(delayMs, () => void this.#heal(), { background: true })
  }

  /** While there is trouble, tries once more. */
  #heal(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#trouble !== undefined && !this.#closed) await this.#orTrouble(() => this.#writeAnew())
    })
  }

  #healed(): void {
    if (this.#trouble === undefined) return
    this.#trouble = undefined
    this.#failures = 0
    this.#writeAgain?.cancel()
    this.#options.log.info('the journal of actions is written again')
    this.#options.onTrouble?.(undefined)
  }
}
