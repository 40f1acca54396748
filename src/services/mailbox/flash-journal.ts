import type { Clock, Timer } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, parseJson, toAsciiJson } from '../../base/json.ts'
import type { Log } from '../../base/log.ts'
import { frameRecord, scanRecords } from '../../base/record.ts'
import type { AppendFile, StoreFolder } from '../../platform/store-folder.ts'
import { isStatus } from '../../protocol/status.ts'
import type { Journal, JournalEntry } from './journal.ts'
import type { MailCall, MailOutcome } from './mail.ts'
import { MemoryJournal } from './memory-journal.ts'

const fileName = 'actions.journal'
/** Below this the file only grows; beyond twice of what is worth knowing it is replaced by that. */
const compactBytes = 256 * 1024
/** What is read at start; a larger file is not one of ours. */
const maxFileBytes = 64 * 1024 * 1024
/** How long a mail that waits for its turn may be known to the memory of the kernel alone. */
const lazySyncMs = 500

type Step =
  | { readonly step: 'accept'; readonly id: string; readonly call?: MailCall }
  | { readonly step: 'start'; readonly id: string; readonly bootId?: string }
  | { readonly step: 'finish'; readonly id: string; readonly outcome: MailOutcome }
  | { readonly step: 'settle'; readonly id: string }

export interface FlashJournalOptions {
  readonly folder: StoreFolder
  readonly clock: Clock
  readonly log: Log
  /** Identity of the present run of the system; tells a reboot from a restart. */
  readonly bootId: string | undefined
}

/**
 * A journal that outlives the process: each step is one record in an append-only file. The start of an action and its
 * outcome are on the disk before anything follows from them. A disk that takes nothing is said loudly and once a minute;
 * the actions go on with the memory alone, because a device that cannot be operated is worse.
 */
export class FlashJournal implements Journal {
  readonly #o: FlashJournalOptions
  readonly #memory = new MemoryJournal()
  #writer: AppendFile | undefined
  #turn: Promise<void> = Promise.resolve()
  #sync: Promise<void> | undefined
  #lazySync: Timer | undefined
  #broken = false
  #compactAtBytes = compactBytes

  private constructor(options: FlashJournalOptions) {
    this.#o = options
  }

  /** Reads what a former process left. What cannot be read is set aside and said so. */
  static async open(options: FlashJournalOptions): Promise<FlashJournal> {
    const journal = new FlashJournal(options)
    const { folder, log } = options
    try {
      await folder.prepare()
      if ((await folder.names()).includes(fileName)) await journal.#read()
    } catch (error) {
      log.error('The journal of actions cannot be read; it is set aside.', { path: folder.path, why: messageOf(error) })
      await folder.rename(fileName, `${fileName}.damaged`).catch(() => {})
    }
    return journal
  }

  find(id: string): Promise<JournalEntry | undefined> {
    return this.#memory.find(id)
  }

  unsettled(): Promise<readonly JournalEntry[]> {
    return this.#memory.unsettled()
  }

  async accept(id: string, call: MailCall | undefined): Promise<void> {
    await this.#memory.accept(id, call)
    await this.#write({ step: 'accept', id, ...(call === undefined ? {} : { call }) })
    // Nearly always the start follows at once and takes this record to the disk with it.
    this.#lazySync ??= this.#o.clock.timer(lazySyncMs, () => void this.#toDisk(), { background: true })
  }

  async start(id: string): Promise<void> {
    const { bootId } = this.#o
    await this.#memory.start(id, bootId)
    await this.#write({ step: 'start', id, ...(bootId === undefined ? {} : { bootId }) })
    await this.#toDisk()
  }

  async finish(id: string, outcome: MailOutcome): Promise<void> {
    await this.#memory.finish(id, outcome)
    await this.#write({ step: 'finish', id, outcome })
    await this.#toDisk()
  }

  async settle(id: string): Promise<void> {
    await this.#memory.settle(id)
    // Lost in a power cut, it costs one more acknowledgement that the cloud refuses.
    await this.#write({ step: 'settle', id })
  }

  async close(): Promise<void> {
    this.#lazySync?.cancel()
    await this.#toDisk()
    await this.#inTurn(() => this.#endWriter())
  }

  async #read(): Promise<void> {
    const { folder, log } = this.#o
    const bytes = await folder.read(fileName, 0, maxFileBytes)
    const steps: Step[] = []
    const { damagedBytes } = scanRecords(bytes, ({ body }) => {
      const step = parseStep(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'))
      if (step !== undefined) steps.push(step)
      return undefined
    })
    if (damagedBytes > 0) log.warn('The journal of actions is damaged; what it hit is passed over.', { damagedBytes })
    for (const step of steps) await this.#replay(step)
  }

  async #replay(step: Step): Promise<void> {
    if (step.step === 'accept') await this.#memory.accept(step.id, step.call)
    else if (step.step === 'start') await this.#memory.start(step.id, step.bootId)
    else if (step.step === 'finish') await this.#memory.finish(step.id, step.outcome)
    else await this.#memory.settle(step.id)
  }

  #write(step: Step): Promise<void> {
    return this.#inTurn(async () => {
      try {
        if (this.#writer === undefined || this.#writer.bytes >= this.#compactAtBytes) await this.#writeAnew()
        else await this.#writer.append(frame(step))
        this.#healed()
      } catch (error) {
        await this.#failed(error)
      }
    })
  }

  /**
   * A new file with all that is worth knowing, the present step included: at the first step of a process, so that nothing
   * follows a torn end, and when the file has grown.
   */
  async #writeAnew(): Promise<void> {
    await this.#endWriter()
    const { folder } = this.#o
    await folder.prepare()
    const frames = this.#memory.all().flatMap(({ entry, settled }) => stepsOf(entry, settled).map(frame))
    await folder.replace(fileName, Buffer.concat(frames), 'journal')
    this.#writer = await folder.reopen(fileName, 'journal')
    this.#compactAtBytes = Math.max(compactBytes, 2 * this.#writer.bytes)
  }

  /** Returns when everything written so far is on the disk; those who ask at the same time share one write. */
  #toDisk(): Promise<void> {
    this.#lazySync?.cancel()
    this.#lazySync = undefined
    this.#sync ??= this.#inTurn(async () => {
      this.#sync = undefined
      try {
        await this.#writer?.sync()
      } catch (error) {
        await this.#failed(error)
      }
    })
    return this.#sync
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work)
    return this.#turn
  }

  async #endWriter(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close().catch(() => {})
  }

  async #failed(error: unknown): Promise<void> {
    await this.#endWriter()
    this.#broken = true
    this.#o.log.limited(
      'journal',
      'error',
      'The journal of actions cannot be written: after a crash an action may run again or stay unanswered.',
      { why: messageOf(error) },
    )
  }

  #healed(): void {
    if (!this.#broken) return
    this.#broken = false
    this.#o.log.info('The journal of actions is written again.')
  }
}

function frame(step: Step): Uint8Array {
  return frameRecord(Buffer.from(toAsciiJson(step), 'latin1'))
}

/** The steps that lead to what is known of a mail. */
function stepsOf(entry: JournalEntry, settled: boolean): Step[] {
  const { id, call, state, outcome, bootId } = entry
  const steps: Step[] = []
  if (outcome === undefined) steps.push({ step: 'accept', id, ...(call === undefined ? {} : { call }) })
  if (state === 'started') steps.push({ step: 'start', id, ...(bootId === undefined ? {} : { bootId }) })
  if (outcome !== undefined) steps.push({ step: 'finish', id, outcome })
  if (settled) steps.push({ step: 'settle', id })
  return steps
}

/** A record of another version, or of none, is passed over. */
function parseStep(text: string): Step | undefined {
  const value = parseJson(text)
  if (!isJsonObject(value) || typeof value.id !== 'string') return undefined
  const { step, id, bootId } = value
  if (step === 'settle') return { step, id }
  if (step === 'start') return { step, id, ...(typeof bootId === 'string' ? { bootId } : {}) }
  if (step === 'accept') {
    const call = parseCall(value.call)
    return { step, id, ...(call === undefined ? {} : { call }) }
  }
  if (step !== 'finish') return undefined
  const outcome = parseOutcome(value.outcome)
  return outcome === undefined ? undefined : { step, id, outcome }
}

function parseCall(value: unknown): MailCall | undefined {
  if (!isJsonObject(value) || typeof value.method !== 'string' || !isJsonObject(value.params)) return undefined
  return { method: value.method, params: value.params as JsonObject }
}

function parseOutcome(value: unknown): MailOutcome | undefined {
  if (!isJsonObject(value) || !isStatus(value.status)) return undefined
  const { status, message, params } = value
  return {
    status,
    ...(typeof message === 'string' ? { message } : {}),
    ...(isJsonObject(params) ? { params: params as JsonObject } : {}),
  }
}
