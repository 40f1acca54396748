// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, parseJson } from '../../../base/json.ts'
import type { Log } from '../../../base/log.ts'
import { frameRecord, scanRecords } from '../../../base/record.ts'
import type { AppendFile } from '../../../platform/store/append-file.ts'
import type { StoreFolder } from '../../../platform/store/store-folder.ts'
import { parseManifest } from '../package/index.ts'
import { nameProblem, readUpdateRequest } from './request.ts'
import { speaks } from './trial-protocol.ts'
import { steps, type UpdateState } from './update-state.ts'

const fileName = 'update.journal'
const cause = 'ota'
/** States of one update: a few dozen of a few kilobytes each. */
const maxBytes = 16 * 1024 * 1024
const version = 1

/** The states of the present (or last) update on flash, each there before its step begins. The last whole record counts. */
export class UpdateJournal {
  readonly #folder: StoreFolder
  readonly #log: Log
  #file: AppendFile | undefined

  constructor(parts: { folder: StoreFolder; log: Log }) {
    this.#folder = parts.folder
    this.#log = parts.log
  }

  /** Whether there has been an update at all, without opening anything. */
  async isThere(): Promise<boolean> {
    const names: readonly string[] = await this.#folder.names().catch(() => [])
    return names.includes(fileName)
  }

  /** The last state; undefined when there is none, or none that can be read. */
  async last(): Promise<UpdateState | undefined> {
    if (!(await this.isThere())) return undefined
    const bytes = await this.#folder.read(fileName, 0, maxBytes)
    let last: Uint8Array | undefined
    const { damagedBytes } = scanRecords(bytes, ({ body }) => {
      last = body
      return undefined
    })
    if (damagedBytes > 0) this.#log.warn('the journal of the update has damage', { damagedBytes })
    const state = last === undefined ? undefined : parseState(new TextDecoder().decode(last))
    if (state === undefined && bytes.length > 0)
      this.#log.error('the journal of the update cannot be read; an update that was under way is lost', {
        file: `${this.#folder.path}/${fileName}`,
      })
    return state
  }

  /** Begins anew with one state: drops what was there. On flash when it resolves. */
  async begin(state: UpdateState): Promise<void> {
    await this.close()
    await this.#folder.prepare()
    await this.#folder.replace(fileName, recordOf(state), cause)
    this.#file = await this.#folder.reopen(fileName, cause)
  }

  /** Adds a state. On flash when it resolves. */
  async add(state: UpdateState): Promise<void> {
    if (this.#file === undefined) return await this.begin(state)
    await this.#file.append(recordOf(state))
    await this.#file.sync()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }
}

function recordOf(state: UpdateState): Uint8Array {
  return frameRecord(new TextEncoder().encode(JSON.stringify({ version, state })))
}

function parseState(text: string): UpdateState | undefined {
  const record = parseJson(text)
  if (!isJsonObject(record) || !isState(record.state)) return undefined
  const { state } = record
  const why = whyForeign(record.version, state)
  return why === undefined ? state : foreignState(state, why)
}

/** The checksum has proven that an agent wrote the record; this finds out whether it has the form of a state. */
function isState(state: unknown): state is Json & UpdateState {
  return (
    isJsonObject(state) &&
    typeof state.step === 'string' &&
    isJsonObject(state.request) &&
    typeof state.request.id === 'string' &&
    typeof state.request.package === 'string'
  )
}

/** The part of a state that a newer build has written; undefined when this build knows all of it. */
function whyForeign(recordVersion: Json | undefined, { step, trial }: UpdateState): string | undefined {
  if (recordVersion !== version) return `version ${String(recordVersion)} of the journal`
  if (!steps.some(known => known === step)) return `step ${JSON.stringify(step)}`
  return speaks(trial) ? undefined : `version ${trial} of the trial`
}

/**
 * The part of a state that every build understands: the request, whether the update is over, and whether it brings an agent. The
 * process then finds that agent in its place, or not.
 */
function foreignState({ request, manifest, step }: UpdateState, foreign: string): UpdateState | undefined {
  if (nameProblem(request.package) !== undefined) return undefined
  const known = readUpdateRequest(request.id, { package: request.package })
  const from = request.from === 'local' ? 'local' : 'cloud'
  const agent = typeof manifest?.agent === 'string' ? manifest.agent : undefined
  const healthOnly = { install: 'true', ...(agent === undefined ? {} : { agent }) }
  return {
    request: { ...known, from },
    step: step === 'done' ? 'done' : 'agent',
    manifest: parseManifest(JSON.stringify(healthOnly)).manifest,
    changed: true,
    restarted: false,
    tries: 0,
    foreign,
  }
}
