// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { isJsonObject, parseJson } from '../../base/json.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { listFolder } from '../../platform/files/folders.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { removeFile, replaceFile } from '../../platform/files/write-file.ts'
import { isStatus, type Status } from '../../protocol/status.ts'
import { type RootStep, rootSteps } from './root-request.ts'

/** The result of one step. */
export interface RootResult {
  /** The id of the request. */
  readonly id: string
  readonly step: RootStep
  /** `ordered`: the system has taken the order to go down. */
  readonly state: 'ordered' | 'done' | 'failed'
  readonly status: Status
  /** Why it failed, for the operator. */
  readonly text: string
  /** The boot of the system, and the milliseconds of its monotonic clock, when it was written. */
  readonly bootId: string
  readonly monotonicMs: number
}

/** An installation that root has begun and not finished. */
export interface PendingInstall {
  readonly id: string
  readonly package: string
  readonly extraParams: string
}

const maxBytes = 64 * 1024
const maxLogBytes = 8 * 1024 * 1024
const maxTextChars = 8192
/** Each step asks for one; an answer is read at the next start of the manager. */
const maxKept = 16
/** The user of the manager reads them by its group. */
const mode = 0o640
const pendingName = 'pending.json'

/** Root's answers to the manager: root writes them, the manager's user can only read them. */
export class RootResults {
  readonly path: string

  constructor(workDir: string) {
    this.path = join(workDir, 'results')
  }

  /** Undefined also for a file of another form. Throws `FILE_ACCESS`. */
  async of(id: string): Promise<RootResult | undefined> {
    const result = parseResult(await this.#text(`${fileNameOf(id)}.json`))
    return result?.id === id ? result : undefined
  }

  /** On flash when it resolves; old results are removed. */
  async write(result: RootResult): Promise<void> {
    const text = JSON.stringify({ version: 1, ...result, text: result.text.slice(0, maxTextChars) })
    await replaceFile(join(this.path, `${fileNameOf(result.id)}.json`), `${text}\n`, { mode })
    await this.#prune()
  }

  /** The installation that was begun and has no result yet. */
  async pending(): Promise<PendingInstall | undefined> {
    const value = parseJson(await this.#text(pendingName))
    if (!isJsonObject(value)) return undefined
    const { id, package: name, extra_params: extraParams = '' } = value
    if (typeof id !== 'string' || typeof name !== 'string' || typeof extraParams !== 'string') return undefined
    return { id, package: name, extraParams }
  }

  async begin({ id, package: name, extraParams }: PendingInstall): Promise<void> {
    const text = JSON.stringify({ id, package: name, extra_params: extraParams })
    await replaceFile(join(this.path, pendingName), `${text}\n`, { mode })
  }

  /** Forgets the installation: its result is written. */
  async end(): Promise<void> {
    await removeFile(join(this.path, pendingName))
  }

  /** Where the log of an installation is, for the manager to send it. */
  logPath(id: string): string {
    return join(this.path, `${fileNameOf(id)}.log`)
  }

  async writeLog(id: string, from: string): Promise<void> {
    if ((await fileFacts(from, { followLinks: false }))?.kind !== 'file') return
    await replaceFile(this.logPath(id), await readBoundedText(from, maxLogBytes), { mode })
  }

  async #text(name: string): Promise<string> {
    try {
      return await readBoundedText(join(this.path, name), maxBytes)
    } catch (error) {
      if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return ''
      throw error
    }
  }

  async #prune(): Promise<void> {
    const found: { path: string; modifiedMs: number }[] = []
    for await (const { path, facts } of listFolder(this.path, { maxEntries: 10_000, maxDepth: 1 }))
      if (facts.kind === 'file' && path.endsWith('.json') && path !== pendingName)
        found.push({ path, modifiedMs: facts.modifiedMs })
    found.sort((a, b) => b.modifiedMs - a.modifiedMs)
    for (const { path } of found.slice(maxKept))
      for (const name of [path, path.replace(/json$/, 'log')]) await removeFile(join(this.path, name))
  }
}

/** An id of the cloud may hold anything. */
function fileNameOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32)
}

function parseResult(text: string): RootResult | undefined {
  const value = parseJson(text)
  if (!isJsonObject(value) || value.version !== 1) return undefined
  const { id, status, text: why, bootId, monotonicMs } = value
  const step = rootSteps.find(one => one === value.step)
  const state = (['ordered', 'done', 'failed'] as const).find(one => one === value.state)
  if (step === undefined || state === undefined || typeof id !== 'string' || typeof why !== 'string') return undefined
  if (typeof bootId !== 'string' || typeof monotonicMs !== 'number') return undefined
  if (typeof status !== 'number' || !isStatus(status)) return undefined
  return { id, step, state, status, text: why, bootId, monotonicMs }
}
