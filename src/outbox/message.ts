// SPDX-License-Identifier: Apache-2.0
import { toAsciiJson } from '../base/json.ts'
import { type EncodedRequest, envelopeOf } from '../protocol/envelope.ts'
import { batchText, commandOverheadBytes, hasBatch, publishText } from '../protocol/publish-commands.ts'
import { movedInTime } from './clock-repair.ts'
import type { Lane } from './lanes.ts'
import type { StoredItem } from './store.ts'

/** The items that one command of a message carries. */
export interface Group {
  readonly items: readonly StoredItem[]
  /** It is a batch: refused, its items are sent again as commands of their own. */
  readonly batch: boolean
}

/** One message of a lane: group `i` is its command `i`. */
export interface Message {
  readonly request: EncodedRequest
  readonly groups: readonly Group[]
}

/** The JSON of items into messages: joins of strings that were made when the items were put. */
export class MessageWriter {
  readonly #thingKey: string
  readonly #rightOffsetMs: () => number | undefined

  /** @param rightOffsetMs the distance of the wall clock to the monotonic one; undefined while it is not set: then times stay as they are */
  constructor(thingKey: string, rightOffsetMs: () => number | undefined) {
    this.#rightOffsetMs = rightOffsetMs
    this.#thingKey = toAsciiJson(thingKey)
  }

  /**
   * The next message of a lane: as many of `items` as fit, in order, and at least one. Neighbours that can share a batch do
   * [TR50 3.0]; those up to `singleThrough` and those marked `alone` get a command of their own. Times of a clock that
   * was not set are put right; that keeps their length.
   */
  write(
    lane: Lane,
    items: readonly StoredItem[],
    bounds: { readonly singleThrough: number; readonly maxBytes: number },
  ): Message {
    const rightOffsetMs = this.#rightOffsetMs()
    const groups: { items: StoredItem[]; batch: boolean }[] = []
    const canBatch = lane !== 'ack' && hasBatch(lane)
    let bytes = 0
    for (const item of items) {
      const batch = canBatch && !item.alone && item.sequence > bounds.singleThrough
      const last = groups.at(-1)
      const joins = batch && last?.batch === true
      bytes += item.json.length + (joins ? 1 : this.#thingKey.length + commandOverheadBytes)
      if (last !== undefined && bytes > bounds.maxBytes) break
      if (joins) last.items.push(item)
      else groups.push({ items: [item], batch })
    }
    return { request: envelopeOf(groups.map(group => this.#command(lane, group, rightOffsetMs))), groups }
  }

  #command(lane: Lane, { items, batch }: Group, rightOffsetMs: number | undefined): string {
    // An item of this lane is the command itself [TR50 mailbox.ack] [TR50 mailbox.update]. What it holds is not ours to change.
    if (lane === 'ack') return items[0]?.json ?? '{}'
    if (batch) return batchText(lane, this.#thingKey, joined(items, rightOffsetMs))
    const [first] = items
    return publishText(lane, this.#thingKey, first === undefined ? '{}' : rightJson(first, rightOffsetMs))
  }
}

function joined(items: readonly StoredItem[], rightOffsetMs: number | undefined): string {
  let text = ''
  for (const item of items) text += text === '' ? rightJson(item, rightOffsetMs) : `,${rightJson(item, rightOffsetMs)}`
  return text
}

function rightJson({ json, epochMs, clockOffsetMs }: StoredItem, rightOffsetMs: number | undefined): string {
  if (clockOffsetMs === undefined || rightOffsetMs === undefined) return json
  return movedInTime(json, epochMs, rightOffsetMs - clockOffsetMs)
}
