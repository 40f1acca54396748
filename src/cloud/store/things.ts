import { badParameter, CommandFailure, codes } from '../values/failure.ts'
import { newId } from '../values/ids.ts'
import type { JsonObject } from '../values/json.ts'
import { type Moment, now } from '../values/timestamp.ts'
import { Series, type SeriesBudget } from './series.ts'

export interface PropertySample extends Moment {
  readonly id?: string
  readonly value: number
  readonly corrId?: string
}
export interface AttributeSample extends Moment {
  /** null: unset. */
  readonly value: string | null
  readonly corrId?: string
}
export interface AlarmSample extends Moment {
  readonly state: number
  readonly msg?: string
  readonly corrId?: string
  readonly lat?: number
  readonly lng?: number
  readonly republish?: boolean
}
export interface LocationSample extends Moment {
  /** Everything that was published, without nulls, `ts` included. */
  readonly fields: JsonObject
}

/** The identifiers beside the key by which a thing can be named [TR50 2.5]. */
export const otherIdentifiers = ['esn', 'iccid', 'imei', 'imsi', 'meid', 'msisdn'] as const
export type OtherIdentifier = (typeof otherIdentifiers)[number]

const maxKeysPerThing = 5_000
const maxThings = 100_000

/** One thing: what it is called, whether it is connected, and what it published. */
export class Thing {
  readonly id = newId()
  readonly createdOn = now().ts
  readonly createdBy: string
  readonly key: string
  name: string
  desc = ''
  defId: string
  /** Client id of the first login; another one is refused from then on [TR50 1.2]. */
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

  constructor(o: {
    key: string
    name: string
    defId: string
    createdBy: string
    history: number
    budget: SeriesBudget
  }) {
    this.key = o.key
    this.name = o.name
    this.defId = o.defId
    this.createdBy = o.createdBy
    this.updatedBy = o.createdBy
    this.#history = o.history
    this.#budget = o.budget
    this.locations = new Series(o.history, o.budget)
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
      throw new CommandFailure(codes.tooLarge, `a thing has at most ${maxKeysPerThing} keys of one kind`)
    const series = new Series<T>(this.#history, this.#budget)
    all.set(key, series)
    return series
  }

  /** Gives back what its series took of the budget. */
  clear(): void {
    const all = [...this.properties.values(), ...this.attributes.values(), ...this.alarms.values(), this.locations]
    for (const series of all) series.clear()
  }
}

/** All things, by key and by the other identifiers. */
export class Things {
  readonly #byKey = new Map<string, Thing>()
  readonly #byId = new Map<string, Thing>()
  readonly #history: number
  readonly #budget: SeriesBudget

  constructor(o: { history: number; budget: SeriesBudget }) {
    this.#history = o.history
    this.#budget = o.budget
  }

  create(o: { key: string; name: string; defId: string; createdBy: string }): Thing {
    if (this.#byKey.has(o.key)) throw new CommandFailure(codes.alreadyExists, `thing ${o.key} exists already`)
    if (this.#byKey.size >= maxThings) throw new CommandFailure(codes.tooLarge, `at most ${maxThings} things`)
    const thing = new Thing({ ...o, history: this.#history, budget: this.#budget })
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

  /** Sets an identifier; two things cannot have the same one. */
  identify(thing: Thing, name: OtherIdentifier, value: string): void {
    const owner = this.byIdentifier(name, value)
    if (owner !== undefined && owner !== thing) throw badParameter(`${name} ${value} belongs to another thing`)
    thing.identifiers.set(name, value)
  }

  all(): readonly Thing[] {
    return [...this.#byKey.values()]
  }
}
