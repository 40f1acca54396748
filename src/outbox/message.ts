import { toAsciiJson } from '../base/json.ts'
import { type EncodedRequest, envelopeOf } from '../protocol/envelope.ts'
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

/** The JSON of items into messages: joins of strings that were made when the items were put. Pure. */
export class MessageWriter {
  readonly #thingKey: string

  constructor(thingKey: string) {
    this.#thingKey = toAsciiJson(thingKey)
  }

  /**
   * The next message of a lane: as many of `items` as fit, in order, and at least one. Neighbours that can share a batch do
   * [TR50 3.1-3.4]; those up to `singleThrough` and those marked `alone` get a command of their own.
   */
  write(
    lane: Lane,
    items: readonly StoredItem[],
    o: { readonly singleThrough: number; readonly maxBytes: number },
  ): Message {
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
    return { request: envelopeOf(groups.map(group => this.#command(lane, group))), groups }
  }

  #command(lane: Lane, { items, batch }: Group): string {
    const first = items[0]?.json ?? '{}'
    // An item of this lane is the command itself [TR50 mailbox.ack, mailbox.update].
    if (lane === 'ack') return first
    const batchCommand = batchCommands[lane]
    if (batch && batchCommand !== undefined)
      return `{"command":"${batchCommand}","params":{"thingKey":${this.#thingKey},"data":[${joined(items)}]}}`
    const name = lane === 'thing' ? 'key' : 'thingKey'
    const rest = first === '{}' ? '}' : `,${first.slice(1)}`
    return `{"command":"${singleCommands[lane]}","params":{"${name}":${this.#thingKey}${rest}}`
  }
}

/** What a command needs around its item, at most: id, names and brackets. */
const wrapBytes = 80

function joined(items: readonly StoredItem[]): string {
  let text = ''
  for (const item of items) text += text === '' ? item.json : `,${item.json}`
  return text
}
