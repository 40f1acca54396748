import { type JsonObject, toAsciiJson } from '../base/json.ts'
import { type EncodedRequest, envelopeOf } from '../protocol/envelope.ts'
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

const batchCommands: Partial<Record<Lane, string>> = {
  telemetry: 'property.batch',
  alarm: 'alarm.batch',
  attribute: 'attribute.batch',
  location: 'location.batch',
}
const singleCommands: Record<Exclude<Lane, 'ack'>, string> = {
  telemetry: 'property.publish',
  alarm: 'alarm.publish',
  attribute: 'attribute.publish',
  location: 'location.publish',
  event: 'log.publish',
  thing: 'thing.update',
}

/**
 * Members that only the command of one sample surely takes: a batch has no aggregate in its items, and the documents spell
 * the correlation id of its items in two ways, or do not name it [TR50 property.batch] [TR50 attribute.batch].
 */
const singleMembers: Partial<Record<Lane, readonly string[]>> = {
  telemetry: ['aggregate', 'corrId'],
  attribute: ['corrId'],
}

/** Whether an item has something that would be lost in a batch: it goes as a command of its own. */
export function isForOneCommand(lane: Lane, item: JsonObject): boolean {
  return singleMembers[lane]?.some(name => item[name] !== undefined) ?? false
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
    o: { readonly singleThrough: number; readonly maxBytes: number },
  ): Message {
    const rightOffsetMs = this.#rightOffsetMs()
    const groups: { items: StoredItem[]; batch: boolean }[] = []
    let bytes = 0
    for (const item of items) {
      const batch = batchCommands[lane] !== undefined && !item.alone && item.sequence > o.singleThrough
      const last = groups.at(-1)
      const joins = batch && last?.batch === true
      bytes += item.json.length + (joins ? 1 : this.#thingKey.length + wrapBytes)
      if (last !== undefined && bytes > o.maxBytes) break
      if (joins) last.items.push(item)
      else groups.push({ items: [item], batch })
    }
    return { request: envelopeOf(groups.map(group => this.#command(lane, group, rightOffsetMs))), groups }
  }

  #command(lane: Lane, { items, batch }: Group, rightOffsetMs: number | undefined): string {
    // An item of this lane is the command itself [TR50 mailbox.ack] [TR50 mailbox.update]. What it holds is not ours to change.
    if (lane === 'ack') return items[0]?.json ?? '{}'
    const batchCommand = batchCommands[lane]
    if (batch && batchCommand !== undefined)
      return `{"command":"${batchCommand}","params":{"thingKey":${this.#thingKey},"data":[${joined(items, rightOffsetMs)}]}}`
    const first = items[0] === undefined ? '{}' : rightJson(items[0], rightOffsetMs)
    const name = lane === 'thing' ? 'key' : 'thingKey'
    const rest = first === '{}' ? '}' : `,${first.slice(1)}`
    return `{"command":"${singleCommands[lane]}","params":{"${name}":${this.#thingKey}${rest}}`
  }
}

/** What a command needs around its item, at most: id, names and brackets. */
const wrapBytes = 80

function joined(items: readonly StoredItem[], rightOffsetMs: number | undefined): string {
  let text = ''
  for (const item of items) text += text === '' ? rightJson(item, rightOffsetMs) : `,${rightJson(item, rightOffsetMs)}`
  return text
}

function rightJson({ json, epochMs, clockOffsetMs }: StoredItem, rightOffsetMs: number | undefined): string {
  if (clockOffsetMs === undefined || rightOffsetMs === undefined) return json
  return movedInTime(json, epochMs, rightOffsetMs - clockOffsetMs)
}
