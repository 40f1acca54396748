// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { frameRecord } from '../../base/record.ts'
import type { AppendFile } from '../../platform/store/append-file.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import type { Lane } from '../lanes.ts'
import type { StoredItem } from '../store.ts'
import type { FlashPlace, PlacedItem, SegmentPosition } from './flash-place.ts'
import { encodeItem, type FlashItem } from './item-record.ts'
import { newerSuffix, segmentName } from './segment-names.ts'
import { type Segment, SegmentReader } from './segment-reader.ts'

/** What an append achieved: the places of the first items, all of them unless there is a failure. */
export interface Appended {
  readonly places: readonly FlashPlace[]
  readonly failure?: unknown | undefined
}

export interface ChainOptions {
  readonly folder: StoreFolder
  readonly lane: Lane
  /** A segment that has this many bytes is followed by a new one. */
  readonly segmentBytes: number
  /** The number of this boot of the system; undefined where the system does not say it. */
  readonly boot?: number | undefined
  /** Something on flash was not as it was written. */
  readonly onDamage: (what: string, bytes: number) => void
  /** A file on flash is of a newer version than this one; it is kept under another name. */
  readonly onNewer: (path: string) => void
}

/**
 * The items of one lane on flash: append-only segments, deleted whole and never rewritten.
 * What was there at the start is never appended to, so that a torn end stays an end.
 */
export class SegmentChain {
  readonly #options: ChainOptions
  readonly #reader: SegmentReader
  readonly #segments: Segment[] = []
  #writer: AppendFile | undefined
  #nextNumber = 1
  #nextOrdinal = 1

  constructor(options: ChainOptions) {
    this.#options = options
    this.#reader = new SegmentReader({ ...options, onGone: segment => this.#forget(segment) })
  }

  /** The place in the row that the next item gets. */
  get nextOrdinal(): number {
    return this.#nextOrdinal
  }

  /** Whether nothing of the lane is on flash. */
  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  /** Bytes of all segments from a place on. */
  bytesFrom({ segment, offset }: SegmentPosition): number {
    return this.#segments
      .filter(({ number }) => number >= segment)
      .reduce((sum, { number, bytes }) => sum + bytes - (number === segment ? offset : 0), 0)
  }

  /** The place of the first byte. */
  get start(): SegmentPosition {
    return { segment: this.#segments[0]?.number ?? this.#nextNumber, offset: 0 }
  }

  /** The place behind the last byte. */
  get end(): SegmentPosition {
    const last = this.#segments.at(-1)
    return last === undefined ? this.start : { segment: last.number, offset: last.bytes }
  }

  /**
   * Takes over the segments `numbers` (ascending) that an earlier process left; answers the last whole item. New ones are
   * numbered from behind `cursor` in any case: it may have outlived its segments, and must not pass for a place in new ones.
   */
  async open(numbers: readonly number[], cursor?: SegmentPosition): Promise<FlashItem | undefined> {
    this.#nextNumber = Math.max(this.#nextNumber, (cursor?.segment ?? 0) + 1)
    this.#segments.length = 0
    for (const number of numbers) {
      const bytes = await this.#options.folder.size(segmentName(this.#options.lane, number))
      this.#segments.push({ number, bytes, failedReads: 0, isNewer: false })
      this.#nextNumber = Math.max(this.#nextNumber, number + 1)
    }
    let last: FlashItem | undefined
    for (const segment of [...this.#segments].reverse()) {
      const items = await this.#reader.read(segment, 0, Number.POSITIVE_INFINITY)
      last = items.at(-1)?.item
      if (last !== undefined) break
    }
    if (last !== undefined) this.#nextOrdinal = last.ordinal + 1
    return last
  }

  /** Writes items behind the others; the places that it answers are on the disk. */
  async append(items: readonly StoredItem[]): Promise<Appended> {
    const safe: FlashPlace[] = []
    try {
      for (let at = 0; at < items.length; ) {
        const written = await this.#appendSome(items.slice(at))
        await this.#writer?.sync()
        this.#count(written)
        safe.push(...written)
        at += written.length
      }
      return { places: safe }
    } catch (failure) {
      // Whatever state the file is in, nothing more goes into it; what is missing is written again elsewhere, in the same places of the row.
      await this.#endWriter()
      await this.#forgetEmpty()
      return { places: safe, failure }
    }
  }

  /**
   * Writes items while the caller waits, at the end of the process: nothing else may be asked of the chain afterwards. They go to
   * segments of their own, because an {@link append} may be under way. What that has written of them is there twice then.
   *
   * @param ordinal the place of the first in the row
   */
  appendNow(items: readonly StoredItem[], ordinal: number, isTimeLeft: () => boolean): Appended {
    const safe: FlashPlace[] = []
    try {
      while (safe.length < items.length && isTimeLeft()) {
        const number = this.#nextNumber++
        const { frames, places } = this.#encode(items.slice(safe.length), number, 0, ordinal + safe.length)
        this.#options.folder.createNow(segmentName(this.#options.lane, number), Buffer.concat(frames), 'outbox')
        const bytes = places.at(-1)?.end.offset ?? 0
        this.#segments.push({ number, bytes, failedReads: 0, isNewer: false })
        safe.push(...places)
      }
      return { places: safe }
    } catch (failure) {
      return { places: safe, failure }
    }
  }

  /** The items from `from` on, at most about `maxBytes` of them but at least one when there is any. */
  async read(from: SegmentPosition, maxBytes: number): Promise<readonly PlacedItem[]> {
    for (const segment of [...this.#segments]) {
      if (segment.number < from.segment) continue
      const offset = segment.number === from.segment ? from.offset : 0
      if (offset >= segment.bytes) continue
      const items = await this.#reader.read(segment, offset, maxBytes)
      if (items.length > 0) return items
    }
    return []
  }

  /** Deletes the segments that end before `position`. */
  async deleteBefore(position: SegmentPosition): Promise<void> {
    for (let first = this.#segments[0]; first !== undefined; first = this.#segments[0]) {
      const isPassed =
        first.number < position.segment || (first.number === position.segment && position.offset >= first.bytes)
      // The segment that is written to is deleted too when all of it is done: an idle store has no files.
      if (!isPassed) return
      if (first.number === this.#numberOfWriter()) await this.#endWriter()
      const name = segmentName(this.#options.lane, first.number)
      if (first.isNewer) await this.#keepNewer(name)
      else await this.#options.folder.remove(name)
      this.#segments.shift()
    }
  }

  async close(): Promise<void> {
    await this.#endWriter()
  }

  #numberOfWriter(): number | undefined {
    return this.#writer === undefined ? undefined : this.#segments.at(-1)?.number
  }

  async #endWriter(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close().catch(() => {})
  }

  /** One write: as many items as the present segment takes, and at least one. */
  async #appendSome(items: readonly StoredItem[]): Promise<readonly FlashPlace[]> {
    const { lane, segmentBytes, folder } = this.#options
    if (this.#writer !== undefined && this.#writer.bytes >= segmentBytes) await this.#endWriter()
    if (this.#writer === undefined) {
      const number = this.#nextNumber++
      this.#writer = await folder.create(segmentName(lane, number), 'outbox')
      this.#segments.push({ number, bytes: 0, failedReads: 0, isNewer: false })
    }
    const segment = this.#segments.at(-1)
    if (segment === undefined) throw new AgentError('INTERNAL', 'A chain has a writer, and no segment for it.')
    const { frames, places } = this.#encode(items, segment.number, segment.bytes, this.#nextOrdinal)
    await this.#writer.append(Buffer.concat(frames))
    return places
  }

  /** As many items as a segment takes from `offset` on, and at least one. */
  #encode(
    items: readonly StoredItem[],
    segment: number,
    offset: number,
    firstOrdinal: number,
  ): { readonly frames: readonly Uint8Array[]; readonly places: readonly FlashPlace[] } {
    const frames: Uint8Array[] = []
    const places: FlashPlace[] = []
    let end = offset
    for (const item of items) {
      const ordinal = firstOrdinal + frames.length
      const frame = frameRecord(encodeItem(item, ordinal, this.#options.boot))
      const start = { segment, offset: end }
      end += frame.length
      frames.push(frame)
      places.push({ ordinal, start, end: { segment, offset: end } })
      if (end >= this.#options.segmentBytes) break
    }
    return { frames, places }
  }

  /** What was written is on the disk. */
  #count(places: readonly FlashPlace[]): void {
    const last = places.at(-1)
    const segment = this.#segments.at(-1)
    if (last === undefined || segment === undefined) return
    segment.bytes = last.end.offset
    this.#nextOrdinal = last.ordinal + 1
  }

  /** A segment that never got anything is no file to keep. */
  async #forgetEmpty(): Promise<void> {
    const last = this.#segments.at(-1)
    if (last === undefined || last.bytes > 0) return
    const remove = () => this.#options.folder.remove(segmentName(this.#options.lane, last.number))
    // Where that fails too, it goes with the next step of the lane.
    const isGone = await remove().then(
      () => true,
      () => false,
    )
    if (isGone) this.#segments.pop()
  }

  #forget(segment: Segment): void {
    const index = this.#segments.indexOf(segment)
    if (index >= 0) this.#segments.splice(index, 1)
  }

  /** After the way back from an update: what the newer version wrote is not ours to throw away. */
  async #keepNewer(name: string): Promise<void> {
    const { folder, onNewer } = this.#options
    await folder.rename(name, `${name}${newerSuffix}`)
    onNewer(`${folder.path}/${name}${newerSuffix}`)
  }
}
