import { AgentError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { thingItem } from '../protocol/commands.ts'
import { checkedText, maxShortTextBytes } from '../protocol/sample-fields.ts'

/** Details of a thing that may be changed or cleared. */
export type ThingField = 'name' | 'description' | 'iccid' | 'esn' | 'imei' | 'meid' | 'imsi'

/** New details; what is absent stays as it is. Each text has at most 1024 bytes. */
export type ThingUpdate = { readonly [Field in ThingField]?: string | undefined } & {
  /** The details to clear. */
  readonly unset?: readonly ThingField[] | undefined
}

// The wire calls the description "desc" [TR50 thing.update].
const wireNames = {
  name: 'name',
  description: 'desc',
  iccid: 'iccid',
  esn: 'esn',
  imei: 'imei',
  meid: 'meid',
  imsi: 'imsi',
} as const satisfies Record<ThingField, string>
const fields = ['name', 'description', 'iccid', 'esn', 'imei', 'meid', 'imsi'] as const

/** The details of our own thing in the cloud [TR50 3.9]. */
export class ThingService {
  readonly #outbox: { put(lane: 'thing', item: JsonObject): Promise<Receipt> }

  constructor(parts: { outbox: { put(lane: 'thing', item: JsonObject): Promise<Receipt> } }) {
    this.#outbox = parts.outbox
  }

  /**
   * Changes details of the thing. Resolves when the agent has taken charge of the change; `receipt.delivered()` tells when
   * the cloud has it.
   *
   * @throws AgentError `INVALID_ARGUMENT` naming the field, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async update(change: ThingUpdate): Promise<Receipt> {
    const given = fields.flatMap(field => {
      const text = change[field]
      return text === undefined ? [] : [[wireNames[field], checkedText(field, text, maxShortTextBytes)] as const]
    })
    const unset = [...new Set(change.unset ?? [])]
    for (const field of unset) {
      if (!fields.includes(field))
        throw new AgentError('INVALID_ARGUMENT', `unset may name only ${fields.join(', ')}, not "${String(field)}".`)
      if (change[field] !== undefined)
        throw new AgentError('INVALID_ARGUMENT', `"${field}" is both set and in unset; it can only be one.`)
    }
    if (given.length === 0 && unset.length === 0)
      throw new AgentError('INVALID_ARGUMENT', 'A thing update needs at least one field to change.')
    const item = thingItem({
      ...Object.fromEntries(given),
      ...(unset.length === 0 ? {} : { unset: unset.map(field => wireNames[field]) }),
    })
    return this.#outbox.put('thing', item)
  }
}
