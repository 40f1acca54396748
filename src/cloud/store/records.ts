// SPDX-License-Identifier: Apache-2.0
import { CommandFailure, codes, notFound } from '../values/failure.ts'
import { newId } from '../values/ids.ts'
import type { JsonObject } from '../values/json.ts'

const maxRecords = 10_000

/** A record: its id, and the fields that its creator gave it. */
export type CloudRecord = JsonObject & { readonly id: string }

/** Definitions, roles, applications, users and organisations: tables of plain records with an id and one unique name. */
export class RecordTable {
  readonly #records = new Map<string, CloudRecord>()
  readonly #kind: string
  readonly #unique: string

  /** @param unique the field that is unique among records of this kind, besides the id */
  constructor(kind: string, unique: string) {
    this.#kind = kind
    this.#unique = unique
  }

  create(fields: JsonObject): CloudRecord {
    const name = fields[this.#unique]
    if (typeof name !== 'string' || name === '')
      throw new CommandFailure(codes.badParameter, `${this.#unique} of the ${this.#kind} is missing.`)
    if (this.find({ [this.#unique]: name }) !== undefined)
      throw new CommandFailure(codes.alreadyExists, `The ${this.#kind} ${name} exists already.`)
    if (this.#records.size >= maxRecords)
      throw new CommandFailure(codes.tooLarge, `There are at most ${maxRecords} records of the kind ${this.#kind}.`)
    const record = { ...fields, id: newId() }
    this.#records.set(record.id, record)
    return record
  }

  /** The record whose field equals the first field of `by` that has a value. */
  find(by: JsonObject): CloudRecord | undefined {
    const wanted = Object.entries(by).find(([, value]) => value !== undefined && value !== null)
    if (wanted === undefined) return undefined
    const [field, value] = wanted
    if (field === 'id') return typeof value === 'string' ? this.#records.get(value) : undefined
    for (const record of this.#records.values()) if (record[field] === value) return record
    return undefined
  }

  /** As {@link find}, but a missing record is a failure. */
  get(by: JsonObject): CloudRecord {
    const record = this.find(by)
    if (record === undefined) throw notFound(`The ${this.#kind}`)
    return record
  }

  /** Changes the given fields; the id stays. */
  update(record: CloudRecord, fields: JsonObject): CloudRecord {
    const updated = { ...record, ...fields, id: record.id }
    this.#records.set(record.id, updated)
    return updated
  }

  delete(record: CloudRecord): void {
    this.#records.delete(record.id)
  }

  all(): readonly CloudRecord[] {
    return [...this.#records.values()]
  }
}
