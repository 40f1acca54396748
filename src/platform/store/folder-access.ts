// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { fileFailure } from '../files/file-failure.ts'
import { syncFolder, syncFolderNow } from '../files/sync-folder.ts'
import { OwnFolder } from '../owners/own-folder.ts'
import type { WriteBudget } from './write-budget.ts'

/** The path by which a name in the folder is reached now; `.` is the folder itself. */
export type Place = (name: string) => string

/** The one way into a store folder: through its {@link OwnFolder}, with failures that name the path that users know. */
export class FolderAccess {
  readonly path: string
  readonly budget: WriteBudget
  readonly #own: OwnFolder

  constructor(path: string, budget: WriteBudget) {
    this.path = path
    this.budget = budget
    this.#own = new OwnFolder(path)
  }

  /** Checks the owners of the folder. Throws `POLICY_REFUSED` when another user can change it. */
  look(): Promise<void> {
    return this.#own.look()
  }

  /** The path of a name, for users. */
  shown(name: string): string {
    return join(this.path, name)
  }

  /** Runs `work` in the folder. Throws what `work` throws, and errors of the system. */
  within<T>(work: (place: Place) => Promise<T>): Promise<T> {
    return this.#own.within(base => work(placeIn(base)))
  }

  /** As {@link within}; every failure is an `AgentError` that names the path of `name`. */
  async run<T>(verb: string, name: string, work: (place: Place) => Promise<T>): Promise<T> {
    try {
      return await this.within(work)
    } catch (error) {
      throw fileFailure(verb, this.shown(name), error)
    }
  }

  /** As {@link run}, synchronously, and only in a folder that was checked before. */
  runNow(verb: string, name: string, work: (place: Place) => void): void {
    try {
      this.#own.withinNow(base => work(placeIn(base)))
    } catch (error) {
      throw fileFailure(verb, this.shown(name), error)
    }
  }

  /** Makes names that were added to or taken from the folder survive a power cut. */
  async sync(place: Place, cause: string): Promise<void> {
    await syncFolder(this.path, place('.'))
    this.budget.synced(cause)
  }

  /** As {@link sync}, synchronously. */
  syncNow(place: Place, cause: string): void {
    syncFolderNow(place('.'))
    this.budget.synced(cause)
  }
}

function placeIn(base: string): Place {
  return name => join(base, name)
}
