// SPDX-License-Identifier: Apache-2.0
import { frameRecord, scanRecords } from '../../base/record.ts'
import type { AppendFile } from '../../platform/store/append-file.ts'
import type { StoreFolder } from '../../platform/store/store-folder.ts'
import { type Lane, lanes } from '../lanes.ts'
import type { SegmentPosition } from './flash-place.ts'
import { cursorName, damagedSuffix } from './segment-names.ts'

const bodyBytes = 17
/** Beyond this the file is replaced by one record for each lane. */
const compactBytes = 64 * 1024

/**
 * How far each lane is done, in one append-only file. It is not forced to the disk: a power cut may take the last
 * records with it, and then what they covered is sent once more.
 */
export class CursorLog {
  readonly #folder: StoreFolder
  readonly #cursors = new Map<Lane, SegmentPosition>()
  readonly #unwritten = new Set<Lane>()
  #writer: AppendFile | undefined
  #exists = false

  constructor(folder: StoreFolder) {
    this.#folder = folder
  }

  /** Reads what an earlier process left; damage costs only the records that it hit. A file that cannot be read is set aside. */
  async open(names: readonly string[]): Promise<ReadonlyMap<Lane, SegmentPosition>> {
    if (!names.includes(cursorName)) return new Map()
    this.#exists = true
    const bytes = await this.#folder.read(cursorName, 0, 4 * compactBytes).catch(async () => {
      // It must not stay: its cursors would pass for those of what this process writes.
      await this.#folder.rename(cursorName, `${cursorName}${damagedSuffix}`)
      this.#exists = false
      return new Uint8Array()
    })
    scanRecords(bytes, ({ body }) => {
      const lane = lanes[body[0] ?? lanes.length]
      if (lane === undefined || body.length !== bodyBytes) return undefined
      const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
      this.#cursors.set(lane, { segment: view.getFloat64(1, true), offset: view.getFloat64(9, true) })
      return undefined
    })
    return new Map(this.#cursors)
  }

  /** Remembers that a lane is done up to `position`; {@link write} writes it down. */
  note(lane: Lane, position: SegmentPosition): void {
    this.#cursors.set(lane, position)
    this.#unwritten.add(lane)
  }

  /** Nothing of the lane is on flash any more: its cursor means nothing. */
  forget(lane: Lane): void {
    this.#cursors.delete(lane)
    this.#unwritten.delete(lane)
  }

  /** Writes what was noted; without any cursor left the file goes. */
  async write(): Promise<void> {
    if (this.#cursors.size === 0) {
      await this.close()
      if (this.#exists) await this.#folder.remove(cursorName)
      this.#exists = false
      return
    }
    if (this.#unwritten.size === 0) return
    const written = [...this.#unwritten]
    this.#unwritten.clear()
    try {
      // A file of an earlier process, and one that has grown, is replaced: what is appended never follows a torn end.
      if (this.#exists && this.#writer !== undefined && this.#writer.bytes < compactBytes)
        await this.#writer.append(this.#encode(written))
      else await this.#replace()
    } catch (error) {
      for (const lane of written) this.#unwritten.add(lane)
      await this.close()
      throw error
    }
  }

  /** Writes all cursors while the caller waits, at the end of the process. */
  writeNow(): void {
    if (this.#cursors.size > 0)
      this.#folder.replaceNow(cursorName, this.#encode([...this.#cursors.keys()]), 'outbox cursor')
  }

  async close(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close().catch(() => {})
  }

  async #replace(): Promise<void> {
    await this.close()
    await this.#folder.replace(cursorName, this.#encode([...this.#cursors.keys()]), 'outbox cursor')
    this.#exists = true
    this.#writer = await this.#folder.reopen(cursorName, 'outbox cursor')
  }

  #encode(which: readonly Lane[]): Uint8Array {
    return Buffer.concat(
      which.flatMap(lane => {
        const position = this.#cursors.get(lane)
        if (position === undefined) return []
        const body = new Uint8Array(bodyBytes)
        const view = new DataView(body.buffer)
        body[0] = lanes.indexOf(lane)
        view.setFloat64(1, position.segment, true)
        view.setFloat64(9, position.offset, true)
        return [frameRecord(body)]
      }),
    )
  }
}
