// SPDX-License-Identifier: Apache-2.0
import { badParameter, notFound } from '../values/failure.ts'
import type { Json, JsonObject } from '../values/json.ts'
import { type FaultKind, type FaultName, faultTable, isFaultName, type Kind } from './fault-table.ts'

export interface Fault {
  readonly id: string
  readonly name: FaultName
  readonly params: JsonObject
  /** How often it will still strike; undefined: until cleared. */
  left: number | undefined
  /** How often it has struck. */
  struck: number
}

/** The request, connection or transfer that the filters of a fault are compared with. */
export interface Circumstances {
  readonly thingKey?: string | undefined
  readonly transport?: string | undefined
  readonly commands?: readonly string[] | undefined
  readonly on?: string | undefined
}

/** Is called when a fault is switched on or off; its promise never rejects. */
type Listener = (event: 'set' | 'cleared', fault: Fault) => Promise<void> | undefined

const filters = ['thingKey', 'transport', 'command', 'times']
const maxFaults = 1000

/** The faults that are switched on, newest first. */
export class Faults {
  #active: Fault[] = []
  #next = 1
  readonly #listeners = new Set<Listener>()
  #acting: Promise<unknown> = Promise.resolve()

  /** Calls `listener` for every fault that is switched on or off: some act at that moment. */
  onChange(listener: Listener): void {
    this.#listeners.add(listener)
  }

  /** Resolves when all listeners have finished. */
  async settled(): Promise<void> {
    await this.#acting
  }

  #emit(event: 'set' | 'cleared', fault: Fault): void {
    const acting = [...this.#listeners].map(listener => listener(event, fault))
    this.#acting = Promise.all([this.#acting, ...acting])
  }

  set(name: string, params: JsonObject): Fault {
    if (!isFaultName(name))
      throw badParameter(`There is no fault "${name}". There are: ${Object.keys(faultTable).join(', ')}.`)
    checkParams(name, params)
    if (this.#active.length >= maxFaults) throw badParameter(`At most ${maxFaults} faults can be switched on at once.`)
    const times = params.times
    const left = typeof times === 'number' ? times : undefined
    const fault: Fault = { id: String(this.#next++), name, params, left, struck: 0 }
    this.#active.unshift(fault)
    try {
      this.#emit('set', fault)
    } catch (error) {
      // A listener refuses the parameters: the fault is not switched on.
      this.#active = this.#active.filter(one => one !== fault)
      throw error
    }
    return fault
  }

  /** Switches off one fault by id, all of a name, or all. */
  clear(by: { id?: string | undefined; name?: string | undefined } = {}): number {
    const gone = this.#active.filter(
      fault => (by.id === undefined || fault.id === by.id) && (by.name === undefined || fault.name === by.name),
    )
    if (gone.length === 0 && by.id !== undefined) throw notFound(`Fault ${by.id}`)
    this.#active = this.#active.filter(fault => !gone.includes(fault))
    for (const fault of gone) this.#emit('cleared', fault)
    return gone.length
  }

  list(): readonly Fault[] {
    return this.#active
  }

  /** The parameters of the newest fault of that name that matches; does not count as a strike. */
  peek(name: FaultName, circumstances: Circumstances = {}): JsonObject | undefined {
    return this.#find(name, circumstances)?.params
  }

  /** As {@link peek}, and counts as a strike; `accepts` is a further condition on the parameters. */
  take(
    name: FaultName,
    circumstances: Circumstances = {},
    accepts?: (params: JsonObject) => boolean,
  ): JsonObject | undefined {
    const fault = this.#find(name, circumstances, accepts)
    if (fault !== undefined) this.#strike(fault)
    return fault?.params
  }

  #strike(fault: Fault): void {
    fault.struck++
    if (fault.left === undefined) return
    fault.left--
    if (fault.left <= 0) this.clear({ id: fault.id })
  }

  #find(
    name: FaultName,
    circumstances: Circumstances,
    accepts: (params: JsonObject) => boolean = () => true,
  ): Fault | undefined {
    return this.#active.find(fault => fault.name === name && matches(fault, circumstances) && accepts(fault.params))
  }
}

function matches(fault: Fault, { thingKey, transport, commands, on }: Circumstances): boolean {
  const { params } = fault
  if (typeof params.thingKey === 'string' && params.thingKey !== thingKey) return false
  if (typeof params.transport === 'string' && params.transport !== transport) return false
  if (typeof params.on === 'string' && params.on !== on) return false
  const wanted = params.command
  if (typeof wanted !== 'string' || wanted === '*') return true
  return (commands ?? []).some(command => matchesPattern(command, wanted))
}

/** Whether `text` is `pattern`, or begins like a pattern that ends with `*`, such as `alarm.*`. */
export function matchesPattern(text: string, pattern: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern
}

function checkParams(name: FaultName, params: JsonObject): void {
  const kinds: FaultKind['params'] = {
    ...faultTable[name].params,
    thingKey: 'text',
    transport: 'text',
    command: 'text',
    times: 'number',
  }
  for (const [key, value] of Object.entries(params)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined
    const known = [...Object.keys(faultTable[name].params), ...filters].join(', ')
    if (kind === undefined) throw badParameter(`Fault ${name} has no parameter "${key}". It has: ${known}.`)
    if (!isKind(value, kind)) throw badParameter(`Fault ${name}: ${key} must be ${kindTexts[kind]}.`)
  }
}

const kindTexts: Readonly<Record<Kind, string>> = {
  text: 'a string',
  number: 'a number',
  flag: 'true or false',
  numbers: 'an array of numbers',
  texts: 'an array of strings',
}

function isKind(value: Json | undefined, kind: Kind): boolean {
  if (kind === 'numbers') return Array.isArray(value) && value.every(one => typeof one === 'number')
  if (kind === 'texts') return Array.isArray(value) && value.every(one => typeof one === 'string')
  if (kind === 'number') return typeof value === 'number' && Number.isFinite(value) && value >= -1e15
  return typeof value === (kind === 'text' ? 'string' : 'boolean')
}

/** The number in a fault's parameter, else its default. */
export function numberOf(params: JsonObject | undefined, name: string, fallback: number): number {
  const value = params?.[name]
  return typeof value === 'number' ? value : fallback
}
