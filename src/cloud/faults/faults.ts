import { badParameter, notFound } from '../values/failure.ts'
import type { Json, JsonObject } from '../values/json.ts'
import { type FaultKind, type FaultName, faultTable, isFaultName } from './fault-table.ts'

export interface Fault {
  readonly id: string
  readonly name: FaultName
  readonly params: JsonObject
  /** How often it still strikes; undefined: until cleared. */
  left: number | undefined
  struck: number
}

/** What a fault is asked about: filters match against it. */
export interface Circumstances {
  readonly thingKey?: string | undefined
  readonly transport?: string | undefined
  readonly commands?: readonly string[]
  readonly on?: string
}

/** Acts when a fault is switched on or off; it never rejects. */
type Listener = (event: 'set' | 'cleared', fault: Fault) => Promise<void> | undefined

const filters = ['thingKey', 'transport', 'command', 'times']
const maxFaults = 1000

/** The faults that are switched on, newest first. */
export class Faults {
  #active: Fault[] = []
  #next = 1
  readonly #listeners = new Set<Listener>()
  #acting: Promise<unknown> = Promise.resolve()

  /** Hears of every fault that is switched on or off, for those that act at once. */
  onChange(listener: Listener): void {
    this.#listeners.add(listener)
  }

  /** Resolves when what acts at once has acted. */
  async acted(): Promise<void> {
    await this.#acting
  }

  #tell(event: 'set' | 'cleared', fault: Fault): void {
    const acting = [...this.#listeners].map(listener => listener(event, fault))
    this.#acting = Promise.all([this.#acting, ...acting])
  }

  set(name: string, params: JsonObject): Fault {
    if (!isFaultName(name)) throw badParameter(`no fault "${name}"; there are: ${Object.keys(faultTable).join(', ')}`)
    check(name, params)
    if (this.#active.length >= maxFaults) throw badParameter(`at most ${maxFaults} faults at once`)
    const times = params.times
    const left = typeof times === 'number' ? times : undefined
    const fault: Fault = { id: String(this.#next++), name, params, left, struck: 0 }
    this.#active.unshift(fault)
    try {
      this.#tell('set', fault)
    } catch (error) {
      // Who is to act at once cannot: then it is not switched on.
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
    if (gone.length === 0 && by.id !== undefined) throw notFound(`fault ${by.id}`)
    this.#active = this.#active.filter(fault => !gone.includes(fault))
    for (const fault of gone) this.#tell('cleared', fault)
    return gone.length
  }

  list(): readonly Fault[] {
    return this.#active
  }

  /** The newest fault of that name that matches, without using it up. */
  peek(name: FaultName, circumstances: Circumstances = {}): JsonObject | undefined {
    return this.#find(name, circumstances)?.params
  }

  /** The newest fault of that name that matches; it has struck once more. */
  take(name: FaultName, circumstances: Circumstances = {}): JsonObject | undefined {
    const fault = this.#find(name, circumstances)
    if (fault === undefined) return undefined
    this.#strike(fault)
    return fault.params
  }

  /** As {@link take}, for a fault that knows more about whom it strikes. */
  takeWhere(
    name: FaultName,
    circumstances: Circumstances,
    also: (params: JsonObject) => boolean,
  ): JsonObject | undefined {
    if (this.#active.length === 0) return undefined
    const fault = this.#active.find(one => one.name === name && matches(one, circumstances) && also(one.params))
    if (fault === undefined) return undefined
    this.#strike(fault)
    return fault.params
  }

  #strike(fault: Fault): void {
    fault.struck++
    if (fault.left === undefined) return
    fault.left--
    if (fault.left <= 0) this.clear({ id: fault.id })
  }

  #find(name: FaultName, circumstances: Circumstances): Fault | undefined {
    if (this.#active.length === 0) return undefined
    return this.#active.find(fault => fault.name === name && matches(fault, circumstances))
  }
}

function matches(fault: Fault, { thingKey, transport, commands, on }: Circumstances): boolean {
  const { params } = fault
  if (typeof params.thingKey === 'string' && params.thingKey !== thingKey) return false
  if (typeof params.transport === 'string' && params.transport !== transport) return false
  if (typeof params.on === 'string' && params.on !== on) return false
  const wanted = params.command
  if (typeof wanted !== 'string' || wanted === '*') return true
  return (commands ?? []).some(command => isCommandLike(command, wanted))
}

/** Whether a command has the name, or begins as the pattern `alarm.*` says. */
export function isCommandLike(command: string, wanted: string): boolean {
  return wanted.endsWith('*') ? command.startsWith(wanted.slice(0, -1)) : command === wanted
}

function check(name: FaultName, params: JsonObject): void {
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
    if (kind === undefined) throw badParameter(`fault ${name} has no parameter "${key}"; it has: ${known}`)
    if (!isKind(value, kind)) throw badParameter(`fault ${name}: ${key} must be of the kind ${kind}`)
  }
}

function isKind(value: Json | undefined, kind: string): boolean {
  if (kind === 'numbers') return Array.isArray(value) && value.every(one => typeof one === 'number')
  if (kind === 'texts') return Array.isArray(value) && value.every(one => typeof one === 'string')
  if (kind === 'number') return typeof value === 'number' && Number.isFinite(value) && value >= -1e15
  return typeof value === (kind === 'text' ? 'string' : 'boolean')
}

/** A number of a fault, or its default. */
export function numberOf(params: JsonObject | undefined, name: string, fallback: number): number {
  const value = params?.[name]
  return typeof value === 'number' ? value : fallback
}
