// SPDX-License-Identifier: Apache-2.0
import { createReadStream, createWriteStream, type ReadStream, type WriteStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailure, codes } from '../values/failure.ts'
import { newId, newSecret } from '../values/ids.ts'
import { compact, type JsonObject } from '../values/json.ts'

export interface StoredFile {
  readonly id: string
  /** The thing whose store holds the file; undefined: the store of the organisation. */
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

/** The permission that a file id gives: one upload or one download [TR50 5]. */
export interface Ticket {
  readonly id: string
  readonly mode: 'put' | 'get'
  readonly expiresMs: number
  readonly file?: StoredFile
  readonly put?: PutOrder
  /** Whether a transfer with it is running. */
  busy: boolean
}

/** An upload as `file.put` announces it. */
export interface PutOrder {
  readonly thingKey: string | undefined
  readonly name: string
  readonly crc32: number | undefined
  readonly isPublic: boolean
  readonly tags: readonly string[]
  readonly secTags: readonly string[]
  readonly logComplete: boolean
}

/** Milliseconds that a file id is valid [TR50 5.3]. */
const ticketTtlMs = 300_000
const maxTickets = 10_000
const maxFiles = 100_000

/** The stores of files, one for each thing and one of the organisation. Contents are on disk, never in memory. */
export class FileStore {
  readonly #dataDir: string
  readonly #folder: string
  readonly #files = new Map<string, StoredFile>()
  readonly #tickets = new Map<string, Ticket>()
  #made: Promise<void> | undefined

  /** @param dataDir contents go to a folder of this process below it */
  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#folder = join(dataDir, `files-${process.pid}`)
  }

  /** Makes the folder, and removes the folders of processes that have ended. */
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

  /** Removes the files of this process. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }

  find(thingKey: string | undefined, name: string): StoredFile | undefined {
    return this.#files.get(keyOf(thingKey, name))
  }

  list(thingKey: string | undefined): readonly StoredFile[] {
    return [...this.#files.values()].filter(file => file.thingKey === thingKey)
  }

  all(): readonly StoredFile[] {
    return [...this.#files.values()]
  }

  async delete(file: StoredFile): Promise<void> {
    const key = keyOf(file.thingKey, file.name)
    if (this.#files.get(key) === file) this.#files.delete(key)
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
      throw new CommandFailure(codes.tooLarge, `There are at most ${maxTickets} unused file ids.`)
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

  /** Makes a ticket invalid, when its transfer is complete. */
  use(ticket: Ticket): void {
    this.#tickets.delete(ticket.id)
  }

  /** A file for the content of an upload, which {@link keep} makes visible. */
  async write(): Promise<{ path: string; stream: WriteStream }> {
    await this.prepare()
    const path = join(this.#folder, newId())
    return { path, stream: createWriteStream(path, { flags: 'wx', mode: 0o600 }) }
  }

  /** Makes an upload visible, in place of an earlier file of the same name [TR50 5.3]. */
  async keep(put: PutOrder, content: { path: string; bytes: number; crc32: number }): Promise<StoredFile> {
    const { thingKey, name, isPublic, tags, secTags } = put
    const key = keyOf(thingKey, name)
    const before = this.#files.get(key)
    if (before === undefined && this.#files.size >= maxFiles)
      throw new CommandFailure(codes.tooLarge, `There are at most ${maxFiles} files.`)
    const uploadDate = new Date().toISOString()
    const file: StoredFile = { id: newId(), thingKey, name, isPublic, tags, secTags, uploadDate, ...content }
    this.#files.set(key, file)
    // A running download has the old content open and goes on.
    if (before !== undefined) await rm(before.path, { force: true })
    return file
  }

  /** The bytes from `start` to `end`, both included. */
  read(file: StoredFile, start: number, end: number): ReadStream {
    return createReadStream(file.path, { start, end, highWaterMark: 256 * 1024 })
  }
}

function keyOf(thingKey: string | undefined, name: string): string {
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
