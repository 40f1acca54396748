// SPDX-License-Identifier: Apache-2.0
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import { type Lane, lanes } from '../lanes.ts'
import type { StoredItem } from '../store.ts'
import type { CursorLog } from './cursor-log.ts'
import type { FlashLane, LeftOnFlash } from './flash-lane.ts'
import type { SegmentPosition } from './flash-place.ts'
import type { SegmentChain } from './segment-chain.ts'
import { parseSegmentName } from './segment-names.ts'

export interface RecoveryParts {
  readonly folder: StoreFolder
  readonly cursors: CursorLog
  readonly chains: Readonly<Record<Lane, SegmentChain>>
  readonly lanes: Readonly<Record<Lane, FlashLane>>
  /** Whether a lane goes to flash. One that does not has nothing to say from before. */
  readonly isOnFlash: (lane: Lane) => boolean
}

/**
 * Takes over once what an earlier process left, and numbers what is put behind it. That may come late: the agent starts although
 * the folder cannot be read. What is put until then goes behind what is found, and is numbered anew.
 */
export class Recovery {
  readonly #parts: RecoveryParts
  #lastSequence = -1
  #running: Promise<void> | undefined
  #isDone = false
  /** The first sequence that was given out before it was known what is taken. */
  #earlyFrom: number | undefined
  #earlyBefore = 0
  #shift = 0

  constructor(parts: RecoveryParts) {
    this.#parts = parts
  }

  /** Nothing may be written before: it could not be distinguished from what is there. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** The sequence for the first new item, as far as is known. */
  get nextSequence(): number {
    return this.#lastSequence + 1
  }

  /** It failed for now, and {@link nextSequence} is given out all the same. */
  postpone(): void {
    this.#earlyFrom = this.nextSequence
    this.#earlyBefore = this.nextSequence
  }

  /** An item that is put, with the sequence that it has here. */
  number(item: StoredItem): StoredItem {
    if (this.#earlyFrom !== undefined) this.#earlyBefore = item.sequence + 1
    return this.#shifted(item)
  }

  /** Rejects when the folder cannot be read; it may be tried again then. */
  run(): Promise<void> {
    if (this.#isDone) return Promise.resolve()
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<void> {
    const { folder, cursors, lanes: takers } = this.#parts
    const names = await folder.names()
    const places = await cursors.open(names)
    const segments = names.flatMap(name => parseSegmentName(name) ?? [])
    const left = new Map<Lane, LeftOnFlash>()
    for (const lane of lanes) {
      const numbers = segments.filter(segment => segment.lane === lane).map(segment => segment.number)
      const found = await this.#open(lane, numbers, places.get(lane))
      if (found === undefined) cursors.forget(lane)
      else left.set(lane, found)
    }
    const earlyBefore = this.#earlyFrom === undefined ? 0 : this.#earlyBefore
    if (this.#earlyFrom !== undefined) this.#shift = this.nextSequence - this.#earlyFrom
    this.#earlyFrom = undefined
    const renumber = (item: StoredItem) => (item.sequence < earlyBefore ? this.#shifted(item) : item)
    await Promise.all(lanes.map(lane => takers[lane].recover(left.get(lane), renumber)))
    this.#isDone = true
  }

  async #open(
    lane: Lane,
    numbers: readonly number[],
    cursor: SegmentPosition | undefined,
  ): Promise<LeftOnFlash | undefined> {
    const { chains, isOnFlash } = this.#parts
    const chain = chains[lane]
    const last = await chain.open(numbers, cursor)
    const from = cursor ?? chain.start
    const [first] = last === undefined ? [] : await chain.read(from, 1)
    const isOver = last === undefined || first === undefined || first.place.ordinal > last.ordinal || !isOnFlash(lane)
    // A disk that deletes nothing may still be read: what cannot go now goes with a later step, or at the next start.
    await chain.deleteBefore(isOver ? { segment: Number.POSITIVE_INFINITY, offset: 0 } : from).catch(() => {})
    if (isOver) return undefined
    this.#lastSequence = Math.max(this.#lastSequence, last.sequence)
    const span = {
      from: first.place.start,
      firstEpochMs: first.item.epochMs,
      firstSequence: first.item.sequence,
      lastSequence: last.sequence,
      lastOrdinal: last.ordinal,
      items: last.ordinal - first.item.ordinal + 1,
      bytes: chain.bytesFrom(first.place.start),
    }
    return { span, end: chain.end }
  }

  #shifted(item: StoredItem): StoredItem {
    return this.#shift === 0 ? item : { ...item, sequence: item.sequence + this.#shift }
  }
}
