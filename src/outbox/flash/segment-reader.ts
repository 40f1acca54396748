// SPDX-License-Identifier: Apache-2.0
import { scanRecords } from '../../base/record.ts'
import { isLasting } from '../../platform/files/file-failure.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import type { Lane } from '../lanes.ts'
import type { PlacedItem } from './flash-place.ts'
import { decodeItem, isNewer, maxItemJsonBytes } from './item-record.ts'
import { damagedSuffix, segmentName } from './segment-names.ts'

/** A file of a lane's chain. */
export interface Segment {
  readonly number: number
  /** What is safely in it; more may be in the file. */
  bytes: number
  failedReads: number
  /** Something in it is of a newer version. */
  isNewer: boolean
}

export interface SegmentReaderOptions {
  readonly folder: StoreFolder
  readonly lane: Lane
  /** The number of this boot of the system; undefined where the system does not say it. */
  readonly boot?: number | undefined
  /** Something on flash was not as it was written. */
  readonly onDamage: (path: string, bytes: number) => void
  /** The file of a segment could not be read and was set aside. */
  readonly onGone: (segment: Segment) => void
}

const windowStartBytes = 256 * 1024
/** A file that cannot be read is asked for again so often. */
const maxFailedReads = 5
/** Files set aside as damaged that are kept, for each lane. */
const maxDamaged = 4

/** Reads the items of one segment; passes over damage, and sets a file aside that cannot be read. */
export class SegmentReader {
  readonly #options: SegmentReaderOptions

  constructor(options: SegmentReaderOptions) {
    this.#options = options
  }

  /** Whole items of one segment from `offset`, in windows that grow only for a record that needs it. */
  async read(segment: Segment, offset: number, maxBytes: number): Promise<readonly PlacedItem[]> {
    const { folder, lane } = this.#options
    const name = segmentName(lane, segment.number)
    const items: PlacedItem[] = []
    let at = offset
    let windowBytes = windowStartBytes
    let taken = 0
    while (at < segment.bytes && taken < maxBytes) {
      const bytes = await this.#tryRead(segment, name, at, Math.min(windowBytes, segment.bytes - at))
      if (bytes === undefined || bytes.length === 0) break
      const more = at + bytes.length < segment.bytes
      const base = at
      const scan = scanRecords(
        bytes,
        record => {
          const item = decodeItem(record.body, this.#options.boot)
          if (item !== undefined) {
            const start = { segment: segment.number, offset: base + record.offset }
            const end = { segment: segment.number, offset: base + record.end }
            items.push({ item, place: { ordinal: item.ordinal, start, end } })
          } else if (isNewer(record.body)) segment.isNewer = true
          else this.#options.onDamage(`${folder.path}/${name}`, record.end - record.offset)
          taken += record.end - record.offset
          return taken < maxBytes
        },
        { more, maxBodyBytes: maxItemJsonBytes },
      )
      if (scan.damagedBytes > 0) this.#options.onDamage(`${folder.path}/${name}`, scan.damagedBytes)
      at = base + scan.end
      // Nothing whole in the window: the record is longer than it.
      windowBytes = scan.end === 0 ? windowBytes * 2 : windowStartBytes
      if (scan.end === 0 && !more) break
    }
    return items
  }

  /** What cannot be read, however often it is tried, is set aside, so that the rest can be. Throws while it is worth another try. */
  async #tryRead(segment: Segment, name: string, position: number, maxBytes: number): Promise<Uint8Array | undefined> {
    const { folder, onDamage, onGone } = this.#options
    try {
      const bytes = await folder.read(name, position, maxBytes)
      segment.failedReads = 0
      return bytes
    } catch (error) {
      segment.failedReads++
      if (!isLasting(error) && segment.failedReads < maxFailedReads) throw error
      onDamage(`${folder.path}/${name}`, maxBytes)
      await this.#setAside(name).catch(() => {})
      onGone(segment)
      return undefined
    }
  }

  /** Kept for the operator who looks for the reason; only the latest, because a dying disk makes many. */
  async #setAside(name: string): Promise<void> {
    const { folder, lane } = this.#options
    await folder.rename(name, `${name}${damagedSuffix}`)
    const damaged = (await folder.names()).filter(one => one.startsWith(`${lane}-`) && one.endsWith(damagedSuffix))
    for (const old of damaged.slice(0, -maxDamaged)) await folder.remove(old)
  }
}
