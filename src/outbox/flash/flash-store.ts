// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import { type Lane, lanes, perLane } from '../lanes.ts'
import type { DeliveryReceipt } from '../receipt.ts'
import type { Dropped, LaneSize, LastWrite, Store, StoredItem } from '../store.ts'
import { CursorLog } from './cursor-log.ts'
import { DiskTrouble } from './disk-trouble.ts'
import { FlashLane } from './flash-lane.ts'
import type { SegmentPosition } from './flash-place.ts'
import { flashOverheadBytes } from './item-record.ts'
import { Recovery } from './recovery.ts'
import { SegmentChain } from './segment-chain.ts'
import { SpillTimer } from './spill-timer.ts'

export interface FlashStoreOptions {
  readonly folder: StoreFolder
  /** `always`: an item is kept when it is on flash. `spill`: flash gets what the cloud does not take promptly. */
  readonly durability: 'spill' | 'always'
  /** Lanes that stay in memory, because another part makes their items anew after a restart: the journal of actions does for acknowledgements. */
  readonly memoryLanes?: readonly Lane[]
  readonly link: { on(event: 'down', listener: () => void): () => void }
  readonly clock: Clock
  readonly log: Log
  /** The number of this boot of the system: a clock offset on flash is valid in that boot only. Undefined where the system does not say it. */
  readonly boot?: number | undefined
  /** The disk does not take what should be written, or takes it again (undefined). */
  readonly onTrouble?: (trouble: AgentError | undefined) => void
  /** Items on flash that cannot be read any more. */
  readonly onLost?: (lane: Lane, items: number) => void
}

/** What is in memory alone beyond this goes to flash at once, and beyond twice of it makes publishers wait. */
const memoryBytes = 1024 * 1024
/** What may wait in memory while the disk takes nothing. */
const troubleBytes = 4 * 1024 * 1024
/** What is kept in memory of each lane although flash has it. */
const windowBytes = 256 * 1024
const segmentBytes = 512 * 1024

/** The outbox in memory and on flash: what it holds outlives the process. */
export class FlashStore implements Store {
  readonly itemOverheadBytes = flashOverheadBytes
  readonly #options: FlashStoreOptions
  readonly #cursors: CursorLog
  readonly #chains: Readonly<Record<Lane, SegmentChain>>
  readonly #lanes: Readonly<Record<Lane, FlashLane>>
  /** The lanes that go to flash. */
  readonly #flashLanes: readonly Lane[]
  readonly #commits = new Map<Lane, Promise<void>>()
  readonly #trouble: DiskTrouble
  readonly #spillTimer: SpillTimer
  readonly #unlisten: () => void
  readonly #recovery: Recovery
  #cursorTurn: Promise<void> = Promise.resolve()
  #cursorWaits = false
  #closed = false
  #isOver = false

  private constructor(options: FlashStoreOptions) {
    const { folder, clock, log, boot, onLost, onTrouble, link, memoryLanes = [] } = options
    this.#options = options
    this.#flashLanes = lanes.filter(lane => !memoryLanes.includes(lane))
    this.#cursors = new CursorLog(folder)
    this.#chains = perLane(
      lane =>
        new SegmentChain({
          folder,
          lane,
          segmentBytes,
          boot,
          onDamage: (path, bytes) =>
            log.limited(`damage ${path}`, 'warn', 'a file of the outbox is damaged; what it hit is passed over', {
              path,
              bytes,
            }),
          onNewer: path =>
            log.error(
              'a file of the outbox was written by a newer version; it is kept, and what is in it is not sent',
              {
                path,
              },
            ),
        }),
    )
    this.#lanes = perLane(
      lane =>
        new FlashLane({
          chain: this.#chains[lane],
          clock,
          windowBytes,
          onCursor: position => this.#noteCursor(lane, position),
          onLost: items => {
            log.error('items of the outbox were lost with a damaged file', { lane, items })
            onLost?.(lane, items)
          },
        }),
    )
    const isOnFlash = (lane: Lane) => this.#flashLanes.includes(lane)
    this.#recovery = new Recovery({
      folder,
      cursors: this.#cursors,
      chains: this.#chains,
      lanes: this.#lanes,
      isOnFlash,
    })
    const onChange = (trouble: AgentError | undefined) => {
      if (trouble === undefined) this.#spillTimer.arm()
      onTrouble?.(trouble)
    }
    const catchUp = async () => {
      await this.#recovery.run()
      for (const lane of this.#flashLanes) await this.#lanes[lane].persist()
    }
    this.#trouble = new DiskTrouble({ folder, clock, log, onChange, catchUp })
    this.#spillTimer = new SpillTimer(clock, putMs => this.#spillOlderThan(putMs))
    this.#unlisten = link.on('down', () => void this.#spill())
  }

  /** Takes over what an earlier process left. A folder that cannot be used is no reason not to start: memory serves until it can. */
  static async open(options: FlashStoreOptions): Promise<FlashStore> {
    const store = new FlashStore(options)
    try {
      await options.folder.prepare()
      await store.#recovery.run()
    } catch (error) {
      store.#trouble.failed(error)
      store.#recovery.postpone()
    }
    return store
  }

  get nextSequence(): number {
    return this.#recovery.nextSequence
  }

  get items(): number {
    return lanes.reduce((sum, lane) => sum + this.#lanes[lane].items, 0)
  }

  get bytes(): number {
    return lanes.reduce((sum, lane) => sum + this.#lanes[lane].bytes, 0)
  }

  /** While the disk takes nothing, what waits must fit into the memory. */
  get limitBytes(): number {
    if (!this.#isMemoryShort) return Number.POSITIVE_INFINITY
    return lanes.reduce((sum, lane) => sum + this.#lanes[lane].backlogBytes, troubleBytes)
  }

  get #isMemoryShort(): boolean {
    return this.#trouble.error !== undefined
  }

  /** Why the disk does not take what should be written; undefined while it does. */
  get trouble(): AgentError | undefined {
    return this.#trouble.error
  }

  append(lane: Lane, item: StoredItem): void | Promise<void> {
    const { durability, clock } = this.#options
    this.#lanes[lane].add(this.#recovery.number(item), clock.monotonicMs())
    if (this.#trouble.error !== undefined || !this.#flashLanes.includes(lane)) return undefined
    if (durability === 'always') return this.#commit(lane)
    this.#spillTimer.arm()
    const { unpersistedBytes } = this.#lanes[lane]
    if (unpersistedBytes < memoryBytes) return undefined
    const spilled = this.#commit(lane)
    return unpersistedBytes < 2 * memoryBytes ? undefined : spilled
  }

  read(
    lane: Lane,
    bounds: { readonly maxItems: number; readonly maxBytes: number },
  ): readonly StoredItem[] | Promise<readonly StoredItem[]> {
    return this.#lanes[lane].read(bounds)
  }

  acknowledge(lane: Lane, items: readonly StoredItem[]): void {
    this.#lanes[lane].acknowledge(items)
  }

  release(lane: Lane): void {
    this.#lanes[lane].release()
  }

  dropOldest(lane: Lane): Dropped | Promise<Dropped> {
    return this.#isMemoryShort ? this.#lanes[lane].dropNewer() : this.#lanes[lane].dropOldest()
  }

  /** Also shortens what is kept in memory although flash has it. */
  async spill(): Promise<boolean> {
    await this.#spill()
    // What was put since is written when the store is closed.
    if (this.#trouble.error === undefined) return true
    return this.#flashLanes.every(lane => this.#lanes[lane].oldestUnpersistedMs === undefined)
  }

  lastWrite(isTimeLeft: () => boolean): LastWrite {
    if (this.#isOver) return { lost: 0 }
    let lost = 0
    let failure: unknown
    for (const lane of this.#flashLanes) {
      // What is written before the recovery could not be distinguished from what is there.
      const written = this.#recovery.isDone
        ? this.#lanes[lane].lastWrite(isTimeLeft)
        : { lost: this.#lanes[lane].items, failure: this.#trouble.error }
      lost += written.lost
      failure ??= written.failure
    }
    try {
      this.#cursors.writeNow()
    } catch {
      // Then something is sent once more.
    }
    return { lost, ...(failure === undefined ? {} : { failure }) }
  }

  size(lane: Lane): LaneSize {
    return this.#lanes[lane].size(this.#isMemoryShort)
  }

  /** Writes down what is in memory alone; the next process sends it. */
  async close(): Promise<readonly DeliveryReceipt[]> {
    this.#closed = true
    this.#unlisten()
    this.#spillTimer.close()
    this.#trouble.close()
    for (const lane of lanes) this.#lanes[lane].release()
    await this.#recovery.run().catch(error => this.#trouble.failed(error))
    await this.#spill()
    for (const lane of lanes) await this.#lanes[lane].close()
    await this.#writeCursors()
    await this.#cursors.close()
    this.#isOver = true
    return lanes.flatMap(lane => this.#lanes[lane].receipts())
  }

  /** One write for all that wait for it: the present one is finished first, and the next takes everything that has gathered. */
  #commit(lane: Lane): Promise<void> {
    const waiting = this.#commits.get(lane)
    if (waiting !== undefined) return waiting
    // Until it begins it takes what comes; a slow disk must not gather a queue of writes with nothing in them.
    const commit = this.#lanes[lane]
      .persist(() => this.#commits.delete(lane))
      .catch(error => this.#trouble.failed(error))
    this.#commits.set(lane, commit)
    return commit
  }

  /** Writes everything that is in memory alone and may go to flash. */
  async #spill(): Promise<void> {
    if (!this.#recovery.isDone) return
    for (const lane of this.#flashLanes)
      if (this.#lanes[lane].oldestUnpersistedMs !== undefined) await this.#commit(lane)
  }

  /** Writes every lane in which the oldest item in memory has waited too long. */
  #spillOlderThan(putMs: number): number | undefined {
    if (this.#trouble.error !== undefined) return undefined
    let oldestMs: number | undefined
    for (const lane of this.#flashLanes) {
      const { oldestUnpersistedMs } = this.#lanes[lane]
      if (oldestUnpersistedMs === undefined) continue
      if (oldestUnpersistedMs <= putMs) void this.#commit(lane)
      else oldestMs = Math.min(oldestMs ?? oldestUnpersistedMs, oldestUnpersistedMs)
    }
    return oldestMs
  }

  #noteCursor(lane: Lane, position: SegmentPosition | undefined): void {
    if (position === undefined) this.#cursors.forget(lane)
    else this.#cursors.note(lane, position)
    if (this.#cursorWaits || this.#closed) return
    this.#cursorWaits = true
    queueMicrotask(() => {
      this.#cursorWaits = false
      void this.#writeCursors()
    })
  }

  #writeCursors(): Promise<void> {
    this.#cursorTurn = this.#cursorTurn
      .then(() => this.#cursors.write())
      .catch(error => {
        // Without a cursor something is sent once more after a restart; that is no reason to stop.
        this.#options.log.limited('outbox cursor', 'warn', 'the cursors of the outbox cannot be written', { error })
      })
    return this.#cursorTurn
  }
}
