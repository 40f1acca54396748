// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { AgentError } from '../../base/errors.ts'
import { type FileIdentity, factsFrom, fileFacts, isSameFile, openFileFacts } from '../files/file-facts.ts'
import { ownIdentity } from './own-identity.ts'
import { describeWeakSpots, type WeakSpot, weakSpotsIn, weakSpotsOn } from './weak-spots.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants

/** How the folder is reached: by its path, or, where another user can put another folder there, as the very folder that was checked. */
type Way = 'path' | FileIdentity

/**
 * A folder whose content this process trusts: it and everything in it must belong to root or to the user of this process, and no
 * other user may write there. The folders above may belong to another user, as where the configuration of a Python agent is in
 * a home folder: then each use goes to the very folder that was checked, and not to one that was put in its place.
 */
export class OwnFolder {
  readonly #path: string
  #way: Way | undefined

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Checks the folder and everything in it. A missing folder is fine.
   *
   * @throws AgentError `POLICY_REFUSED` with the commands that repair it
   */
  async look(): Promise<void> {
    // During the check the last result holds: a process that ends meanwhile still writes.
    try {
      this.#way = await this.#wayNow()
    } catch (error) {
      this.#way = undefined
      throw error
    }
  }

  /** Undefined when the folder does not exist. */
  async #wayNow(): Promise<Way | undefined> {
    const path = this.#path
    const self = await ownIdentity()
    const facts = await fileFacts(path, { followLinks: false })
    if (facts === undefined) return undefined
    const onWay = await weakSpotsOn(path, { self })
    const own = onWay.filter(spot => !spot.isAbove)
    if (own.length === 0) own.push(...(await weakSpotsIn(path, self)))
    if (own.length > 0) throw notTrusted(path, own)
    return onWay.length === 0 ? 'path' : { inode: facts.inode, device: facts.device }
  }

  /**
   * Runs `work` in the folder.
   *
   * @param work gets the path by which the folder is reached now
   * @throws AgentError `POLICY_REFUSED`; an error `ENOENT` when it does not exist, `ESTALE` when another folder is in its place
   */
  async within<T>(work: (base: string) => Promise<T>): Promise<T> {
    if (this.#way === undefined) await this.look()
    // A folder that was made since then was not checked.
    if (this.#way === undefined) throw Object.assign(new Error('it does not exist'), { code: 'ENOENT' })
    if (this.#way === 'path') return await work(this.#path)
    const folder = await open(this.#path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      assertSame(this.#way, await openFileFacts(folder))
      return await work(this.#pinned(folder.fd))
    } finally {
      await folder.close()
    }
  }

  /** As {@link within}, synchronously, and only in a folder that was checked before. */
  withinNow(work: (base: string) => void): void {
    if (this.#way === undefined) throw Object.assign(new Error('it does not exist'), { code: 'ENOENT' })
    if (this.#way === 'path') {
      work(this.#path)
      return
    }
    const folder = openSync(this.#path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      assertSame(this.#way, factsFrom(fstatSync(folder, { bigint: true })))
      work(this.#pinned(folder))
    } finally {
      closeSync(folder)
    }
  }

  #pinned(descriptor: number): string {
    const pinned = `/proc/self/fd/${descriptor}`
    return existsSync(pinned) ? pinned : this.#path
  }
}

function assertSame(one: FileIdentity, other: FileIdentity): void {
  if (!isSameFile(one, other)) throw Object.assign(new Error('another folder is in its place'), { code: 'ESTALE' })
}

function notTrusted(path: string, spots: readonly WeakSpot[]): AgentError {
  const remedy = spots.map(spot => spot.remedy).join(' && ')
  const message = `${path} is not trusted, because another user can change it: ${describeWeakSpots(spots.slice(0, 3))}. Look at its content and remove it, or run: ${remedy}`
  return new AgentError('POLICY_REFUSED', message.slice(0, 1000), { details: { path } })
}
