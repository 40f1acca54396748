// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { optionsCheck } from '../config/known-options.ts'
import type { LaneInput, Receipt } from '../outbox/outbox.ts'
import { checkedFlag, checkedTexts } from '../protocol/call-fields.ts'
import { checkedText, maxShortTextBytes } from '../protocol/sample-fields.ts'
import { thingItem } from '../protocol/samples.ts'

/** Details of a thing that may be changed or cleared. */
export type ThingField = 'name' | 'description' | 'iccid' | 'esn' | 'imei' | 'meid' | 'imsi' | 'tags' | 'secTags'

/** New details; what is absent stays as it is. Each text has at most 1024 bytes [TR50 thing.update]. */
export interface ThingUpdate {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly iccid?: string | undefined
  readonly esn?: string | undefined
  readonly imei?: string | undefined
  readonly meid?: string | undefined
  readonly imsi?: string | undefined
  /** All tags of the thing: those that it had and that are not among them go. At most 100. */
  readonly tags?: readonly string[] | undefined
  /** All security tags of the thing, as `tags`. */
  readonly secTags?: readonly string[] | undefined
  /** Whether the cloud keeps positions of the thing. */
  readonly locationEnabled?: boolean | undefined
  /** Ties this change to samples that belong to it. */
  readonly corrId?: string | undefined
  /** The details to clear. */
  readonly unset?: readonly ThingField[] | undefined
}

const checkUpdate = optionsCheck<ThingUpdate>('thing.update', {
  name: true,
  description: true,
  iccid: true,
  esn: true,
  imei: true,
  meid: true,
  imsi: true,
  tags: true,
  secTags: true,
  locationEnabled: true,
  corrId: true,
  unset: true,
})

// The wire calls the description "desc" [TR50 thing.update].
const wireNames = {
  name: 'name',
  description: 'desc',
  iccid: 'iccid',
  esn: 'esn',
  imei: 'imei',
  meid: 'meid',
  imsi: 'imsi',
  tags: 'tags',
  secTags: 'secTags',
} as const satisfies Record<ThingField, string>
const texts = ['name', 'description', 'iccid', 'esn', 'imei', 'meid', 'imsi'] as const
const lists = ['tags', 'secTags'] as const
const fields: readonly ThingField[] = [...texts, ...lists]

/** The details of our own thing in the cloud [TR50 3.9]. */
export class ThingService {
  readonly #outbox: LaneInput<'thing'>

  constructor(parts: { outbox: LaneInput<'thing'> }) {
    this.#outbox = parts.outbox
  }

  /**
   * Changes details of the thing. Resolves when the agent has taken charge of the change; `receipt.delivered()` resolves when
   * the cloud has it.
   *
   * @throws AgentError `INVALID_ARGUMENT` naming the field, `OUTBOX_FULL`, `CLOSED`, `CONFIG_INVALID`
   */
  async update(change: ThingUpdate): Promise<Receipt> {
    checkUpdate(change)
    const { locationEnabled, corrId } = change
    const given = texts.flatMap(field => {
      const text = change[field]
      return text === undefined ? [] : [[wireNames[field], checkedText(field, text, maxShortTextBytes)] as const]
    })
    const givenLists = lists.flatMap(field => {
      const list = change[field]
      return list === undefined ? [] : [[wireNames[field], checkedTexts(field, list)] as const]
    })
    const unset = [...new Set(checkedTexts('unset', change.unset ?? []).map(asField))]
    for (const field of unset) {
      if (change[field] !== undefined)
        throw new AgentError('INVALID_ARGUMENT', `"${field}" is both set and in unset; it can only be one.`)
    }
    if (given.length === 0 && givenLists.length === 0 && locationEnabled === undefined && unset.length === 0)
      throw new AgentError('INVALID_ARGUMENT', 'A thing update needs at least one field to change.')
    const item = thingItem({
      ...Object.fromEntries<string | readonly string[]>([...given, ...givenLists]),
      locEnabled: locationEnabled === undefined ? undefined : checkedFlag('locationEnabled', locationEnabled),
      corrId: corrId === undefined ? undefined : checkedText('corrId', corrId, maxShortTextBytes),
      ...(unset.length === 0 ? {} : { unset: unset.map(field => wireNames[field]) }),
    })
    return this.#outbox.put('thing', item)
  }
}

function asField(name: string): ThingField {
  const field = fields.find(known => known === name)
  if (field !== undefined) return field
  throw new AgentError('INVALID_ARGUMENT', `unset may name only ${fields.join(', ')}, not "${name}".`, {
    details: { argument: 'unset' },
  })
}
