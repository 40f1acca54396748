// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path'
import { AgentError } from '../../../base/errors.ts'
import { isBelow } from '../../../platform/files/contained-path.ts'
import { type FileIdentity, isSameFile } from '../../../platform/files/file-facts.ts'
import { walkPath } from '../../../platform/held/walk.ts'
import type { PassedFolder, Walked } from '../../../platform/held/walked.ts'
import type { Guard } from './guard.ts'

/** A folder (or file) in which file actions may work, as it is on the disk. */
interface ResolvedRoot {
  /** Without links. */
  readonly path: string
  /** The folder itself, or the one that an allowed file lies in. */
  readonly holder: FileIdentity
  readonly isFile: boolean
}

/** Where a link named `upload` must not lead: the agent must not send or remove the files there. */
const systemFolders = [
  '/bin',
  '/boot',
  '/dev',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
]
const sharedFolders = new Set(['/', '/home', '/media', '/mnt', '/opt', '/srv', '/tmp', '/var', '/var/lib', '/var/log'])

/**
 * A folder of the policy. It is resolved once; another folder in its place later is refused, unless only root or the agent's
 * user can have put it there, or a user whose own folder it is.
 */
export class Root {
  /** As the settings name it. */
  readonly given: string
  readonly #isOwn: boolean
  #resolved: ResolvedRoot | undefined
  #closed: string | undefined

  private constructor(given: string, isOwn: boolean) {
    this.given = given
    this.#isOwn = isOwn
  }

  /** @param isOwn it is `upload` or `download` of the runtime folder: no setting says where a link of that name may lead */
  static async resolve(given: string, guard: Guard, { isOwn = false } = {}): Promise<Root> {
    const root = new Root(given, isOwn)
    await root.#resolve(guard)
    return root
  }

  /** Why nothing in it can be reached until the configuration is read again. */
  get closed(): string | undefined {
    return this.#closed
  }

  /**
   * Whether a path leads into it.
   *
   * @throws AgentError `PATH_REFUSED` when it would, but another folder is in its place
   */
  async holds(walked: Walked, guard: Guard): Promise<boolean> {
    if (this.#closed !== undefined) return false
    const resolved = this.#resolved ?? (await this.#resolve(guard))
    if (resolved === undefined) return this.#closed === undefined && this.#willHold(walked)
    const holder = resolved.isFile ? dirname(resolved.path) : resolved.path
    if (resolved.isFile && walked.path !== resolved.path) return false
    const passed = walked.way.find(({ path }) => path === holder)
    if (passed === undefined) return false
    this.#checkSame(passed, resolved)
    return true
  }

  #checkSame(passed: PassedFolder, resolved: ResolvedRoot): void {
    const { movableBy } = passed
    if (movableBy === undefined || isSameFile(passed, resolved.holder)) return
    // A user who puts a folder of their own there could as well have put its files into the old one.
    if (passed.ownerId === movableBy) return
    throw refused(
      `${passed.path} is another folder than when the configuration was read, and users other than root could have put it there. If it is the right one, let the agent read its configuration again (SIGHUP or a restart).`,
      passed.path,
    )
  }

  /** For a root that does not exist yet: it will be where its path leads now. */
  async #willHold(walked: Walked): Promise<boolean> {
    const own = await walkPath(this.given)
    try {
      return isBelow(own.path, walked.path)
    } finally {
      await own.close()
    }
  }

  async #resolve(guard: Guard): Promise<ResolvedRoot | undefined> {
    try {
      const walked = await walkPath(this.given)
      try {
        await this.#take(walked, guard)
      } finally {
        await walked.close()
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      // A disk that fails now may work at the first use.
      if (error.code === 'PATH_REFUSED') this.#closed = error.message
    }
    return this.#resolved
  }

  async #take(walked: Walked, guard: Guard): Promise<void> {
    if (walked.failure !== undefined) throw walked.failure
    if (walked.missing.length > 0) return
    if (this.#isOwn) await this.#checkOwn(walked, guard)
    else this.#checkNotAll(walked)
    this.#resolved = { path: walked.path, holder: walked.last, isFile: walked.file !== undefined }
  }

  /** The whole file system is allowed only by the name "/", which is checked with the other policies when the settings are read. */
  #checkNotAll({ way: [top], last, file, path }: Walked): void {
    if (this.given === '/' || file !== undefined || top === undefined || !isSameFile(last, top)) return
    throw refused(
      `${this.given} leads to the root of the file system (${path}). Name the folders that the cloud needs, or "/" itself.`,
      this.given,
    )
  }

  /** `upload` and `download` may be links, as root makes them on a device with a data partition. */
  async #checkOwn(walked: Walked, guard: Guard): Promise<void> {
    if (walked.file !== undefined) throw refused(`${this.given} is not a folder.`, this.given)
    const above = await walkPath(dirname(this.given))
    const isLink = walked.path !== join(above.path, this.given.slice(dirname(this.given).length))
    await above.close()
    if (!isLink) return
    const own = await guard.ownThing({ way: walked.way, names: [], facts: undefined })
    const isSystem = sharedFolders.has(walked.path) || systemFolders.some(folder => isBelow(folder, walked.path))
    if (own === undefined && !isSystem) return
    throw refused(
      `${this.given} is a link to ${walked.path}, which holds files of the system or of the agent. Make it a folder, or let it lead to a folder of its own.`,
      this.given,
    )
  }
}

function refused(message: string, path: string): AgentError {
  return new AgentError('PATH_REFUSED', message, { details: { path } })
}
