import { createReadStream, createWriteStream, type ReadStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailure, codes } from '../values/failure.ts'
import { newId, newSecret } from '../values/ids.ts'
import { compact, type JsonObject } from '../values/json.ts'

export interface StoredFile {
  readonly id: string
  /** Key of the thing's store, or undefined for the store of the organisation. */
  readonly thingKey: string | undefined
  readonly name: string
  readonly path: string
  readonly bytes: number
  readonly crc32: number
  readonly uploadDate: string
  readonly isPublic: boolean
  readonly tags: readonly string[]
  readonly secTags: readonly string[]
}

/** What a file id stands for: one upload or one download [TR50 5]. */
export interface Ticket {
  readonly id: string
  readonly mode: 'put' | 'get'
  readonly expiresMs: number
  readonly file?: StoredFile
  readonly put?: PutOrder
  busy: boolean
}

export interface PutOrder {
  readonly thingKey: string | undefined
  readonly name: string
  readonly crc32: number | undefined
  readonly isPublic: boolean
  readonly tags: readonly string[]
  readonly secTags: readonly string[]
  readonly logComplete: boolean
}

/** Milliseconds that a file id lives [TR50 5.3]. */
const ticketTtlMs = 300_000
const maxTickets = 10_000
const maxFiles = 100_000

/** The two stores of files, per thing and of the organisation; contents lie on disk, never in memory. */
export class FileStore {
  readonly #folder: string
  readonly #files = new Map<string, StoredFile>()
  readonly #tickets = new Map<string, Ticket>()
  #made: Promise<void> | undefined

  /** Contents go to a folder of this process below `dataDir`. */
  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#folder = join(dataDir, `files-${process.pid}`)
  }
  readonly #dataDir: string

  /** Makes the folder, and removes those of processes that are gone. */
  prepare(): Promise<void> {
    this.#made ??= this.#prepare()
    return this.#made
  }

  async #prepare(): Promise<void> {
    for (const name of await readdir(this.#dataDir)) {
      const pid = /^files-(\d{1,9})$/.exec(name)?.[1]
      if (pid !== undefined && !isAlive(Number(pid)))
        await rm(join(this.#dataDir, name), { recursive: true, force: true })
    }
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
  }

  /** Removes what this process stored. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  find(thingKey: string | undefined, name: string): StoredFile | undefined {
    return this.#files.get(placeOf(thingKey, name))
  }

  list(thingKey: string | undefined): readonly StoredFile[] {
    return [...this.#files.values()].filter(file => file.thingKey === thingKey)
  }

  all(): readonly StoredFile[] {
    return [...this.#files.values()]
  }

  async delete(file: StoredFile): Promise<void> {
    const place = placeOf(file.thingKey, file.name)
    if (this.#files.get(place) === file) this.#files.delete(place)
    await rm(file.path, { force: true })
  }

  ticketToPut(put: PutOrder): Ticket {
    return this.#issue({ mode: 'put', put })
  }

  ticketToGet(file: StoredFile): Ticket {
    return this.#issue({ mode: 'get', file })
  }

  #issue(what: { mode: 'put'; put: PutOrder } | { mode: 'get'; file: StoredFile }): Ticket {
    if (this.#tickets.size >= maxTickets) this.#expire()
    if (this.#tickets.size >= maxTickets)
      throw new CommandFailure(codes.tooLarge, `at most ${maxTickets} open file ids`)
    const ticket: Ticket = { id: newSecret(), expiresMs: Date.now() + ticketTtlMs, busy: false, ...what }
    this.#tickets.set(ticket.id, ticket)
    return ticket
  }

  #expire(): void {
    for (const [id, ticket] of this.#tickets) if (ticket.expiresMs < Date.now()) this.#tickets.delete(id)
  }

  ticket(id: string): Ticket | undefined {
    const ticket = this.#tickets.get(id)
    if (ticket === undefined || ticket.expiresMs >= Date.now()) return ticket
    this.#tickets.delete(id)
    return undefined
  }

  /** A ticket is used up when its transfer is complete. */
  use(ticket: Ticket): void {
    this.#tickets.delete(ticket.id)
  }

  /** Where an upload is written to until it is whole. */
  async write(): Promise<{ path: string; stream: WriteStream }> {
    await this.prepare()
    const path = join(this.#folder, newId())
    return { path, stream: createWriteStream(path, { flags: 'wx', mode: 0o600 }) }
  }

  /** Makes an upload visible; one of the same name before it is replaced [TR50 5.3]. */
  async keep(put: PutOrder, content: { path: string; bytes: number; crc32: number }): Promise<StoredFile> {
    const { thingKey, name, isPublic, tags, secTags } = put
    const place = placeOf(thingKey, name)
    const before = this.#files.get(place)
    if (before === undefined && this.#files.size >= maxFiles)
      throw new CommandFailure(codes.tooLarge, `at most ${maxFiles} files`)
    const uploadDate = new Date().toISOString()
    const file: StoredFile = { id: newId(), thingKey, name, isPublic, tags, secTags, uploadDate, ...content }
    this.#files.set(place, file)
    // Who reads the old content has it open and is not disturbed.
    if (before !== undefined) await rm(before.path, { force: true })
    return file
  }

  /** Bytes `start` to `end`, both included. */
  read(file: StoredFile, start: number, end: number): ReadStream {
    return createReadStream(file.path, { start, end, highWaterMark: 256 * 1024 })
  }
}

function placeOf(thingKey: string | undefined, name: string): string {
  return JSON.stringify([thingKey ?? null, name])
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** A file as `file.list` and `file.info` show it [TR50 file.list]. */
export function asListed(file: StoredFile): JsonObject {
  return compact({
    id: file.id,
    fileName: file.name,
    length: file.bytes,
    crc32: file.crc32,
    uploadDate: file.uploadDate,
    public: file.isPublic,
    tags: file.tags,
    secTags: file.secTags,
    thingKey: file.thingKey,
  })
}
