// SPDX-License-Identifier: Apache-2.0
import { badParameter, CommandFailure, codes } from '../values/failure.ts'
import { newId } from '../values/ids.ts'
import type { JsonObject } from '../values/json.ts'
import { type Moment, now } from '../values/timestamp.ts'
import { Series, type SeriesBudget } from './series.ts'

export interface PropertySample extends Moment {
  readonly value: number
  readonly corrId?: string | undefined
}
export interface AttributeSample extends Moment {
  /** null: unset. */
  readonly value: string | null
  readonly corrId?: string | undefined
}
export interface AlarmSample extends Moment {
  readonly state: number
  readonly msg?: string | undefined
  readonly corrId?: string | undefined
  readonly lat?: number | undefined
  readonly lng?: number | undefined
  readonly republish?: boolean
}
export interface LocationSample extends Moment {
  /** All published fields that are not null, `ts` included. */
  readonly fields: JsonObject
}

/** The identifiers that can name a thing instead of its key [TR50 2.5]. */
export const otherIdentifiers = ['esn', 'iccid', 'imei', 'imsi', 'meid', 'msisdn'] as const
export type OtherIdentifier = (typeof otherIdentifiers)[number]

const maxKeysPerThing = 5_000
const maxThings = 100_000

export type NewThing = Pick<Thing, 'key' | 'name' | 'defId' | 'createdBy'>

export interface SeriesLimits {
  /** Entries kept in each series. */
  readonly history: number
  readonly budget: SeriesBudget
}

/** One thing: its names, whether it is connected, and its samples. */
export class Thing {
  readonly id = newId()
  readonly createdOn = now().ts
  readonly createdBy: string
  readonly key: string
  name: string
  desc = ''
  defId: string
  /** The client id of the first login; logins with another one are refused from then on [TR50 1.2]. */
  appId: string | undefined
  readonly identifiers = new Map<OtherIdentifier, string>()
  tags: readonly string[] = []
  secTags: readonly string[] = []
  locEnabled = true
  connected = false
  lastSeen: string | undefined
  updatedOn = this.createdOn
  updatedBy: string
  readonly properties = new Map<string, Series<PropertySample>>()
  readonly attributes = new Map<string, Series<AttributeSample>>()
  readonly alarms = new Map<string, Series<AlarmSample>>()
  readonly locations: Series<LocationSample>
  readonly #history: number
  readonly #budget: SeriesBudget

  constructor({ key, name, defId, createdBy }: NewThing, { history, budget }: SeriesLimits) {
    this.key = key
    this.name = name
    this.defId = defId
    this.createdBy = createdBy
    this.updatedBy = createdBy
    this.#history = history
    this.#budget = budget
    this.locations = new Series(history, budget)
  }

  property(key: string): Series<PropertySample> {
    return this.properties.get(key) ?? this.#add(this.properties, key)
  }

  attribute(key: string): Series<AttributeSample> {
    return this.attributes.get(key) ?? this.#add(this.attributes, key)
  }

  alarm(key: string): Series<AlarmSample> {
    return this.alarms.get(key) ?? this.#add(this.alarms, key)
  }

  #add<T extends Moment>(all: Map<string, Series<T>>, key: string): Series<T> {
    if (all.size >= maxKeysPerThing)
      throw new CommandFailure(codes.tooLarge, `A thing has at most ${maxKeysPerThing} keys of one kind.`)
    const series = new Series<T>(this.#history, this.#budget)
    all.set(key, series)
    return series
  }

  /** Empties all series, which gives their entries back to the budget. */
  clear(): void {
    const all = [...this.properties.values(), ...this.attributes.values(), ...this.alarms.values(), this.locations]
    for (const series of all) series.clear()
  }
}

/** All things, by key and by the other identifiers. */
export class Things {
  readonly #byKey = new Map<string, Thing>()
  readonly #byId = new Map<string, Thing>()
  readonly #limits: SeriesLimits

  constructor(limits: SeriesLimits) {
    this.#limits = limits
  }

  create(fields: NewThing): Thing {
    if (this.#byKey.has(fields.key))
      throw new CommandFailure(codes.alreadyExists, `Thing ${fields.key} exists already.`)
    if (this.#byKey.size >= maxThings)
      throw new CommandFailure(codes.tooLarge, `There are at most ${maxThings} things.`)
    const thing = new Thing(fields, this.#limits)
    this.#byKey.set(thing.key, thing)
    this.#byId.set(thing.id, thing)
    return thing
  }

  delete(thing: Thing): void {
    this.#byKey.delete(thing.key)
    this.#byId.delete(thing.id)
    thing.clear()
  }

  byKey(key: string): Thing | undefined {
    return this.#byKey.get(key)
  }

  byId(id: string): Thing | undefined {
    return this.#byId.get(id)
  }

  byIdentifier(name: OtherIdentifier, value: string): Thing | undefined {
    for (const thing of this.#byKey.values()) if (thing.identifiers.get(name) === value) return thing
    return undefined
  }

  /** Sets an identifier; throws when another thing has it. */
  identify(thing: Thing, name: OtherIdentifier, value: string): void {
    const owner = this.byIdentifier(name, value)
    if (owner !== undefined && owner !== thing) throw badParameter(`${name} ${value} belongs to another thing.`)
    thing.identifiers.set(name, value)
  }

  all(): readonly Thing[] {
    return [...this.#byKey.values()]
  }
}
