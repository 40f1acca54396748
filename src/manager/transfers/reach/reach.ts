// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { AgentError, withoutStop } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import { walkPath } from '../../../platform/held/walk.ts'
import type { Walked } from '../../../platform/held/walked.ts'
import { type Destination, modeToReplace } from '../../../services/files/destination.ts'
import { checkPlainName } from '../../../services/files/file-name.ts'
import { Guard } from './guard.ts'
import { type OwnPaths, resolveOwnPaths } from './own-paths.ts'
import { type OwnThings, protectedPlaces } from './protected-places.ts'
import { Root } from './roots.ts'
import { fileSource, folderSource, type Source } from './source.ts'

/** The settings that say where file actions may work; looked up when the configuration is read. */
export interface ReachFacts {
  readonly own: OwnThings
  readonly uploadFolder: string
  readonly downloadFolder: string
  /** `file_transfer.allow`. */
  readonly allow: readonly string[]
}

/** How an action named a path. */
export interface NamedPath {
  /** Absolute and normalised. */
  readonly path: string
  /** It was given relative to its folder, and must stay inside it. */
  readonly relative: boolean
}

/** Folders that a download makes are for the agent's user alone. */
const folderMode = 0o700

interface Policy {
  readonly paths: OwnPaths
  readonly upload: Root
  readonly download: Root
  readonly allowed: readonly Root[]
}

/**
 * How far the file actions reach: into `upload` and `download` of the runtime folder and what `file_transfer.allow` names, and
 * never to the agent's own things. The files that it hands out are held open: what was checked is what is used, also when another
 * file takes the path meanwhile.
 */
export class Reach {
  readonly #facts: () => ReachFacts
  readonly #log: Log
  #policy: Policy | undefined

  constructor(parts: { facts: () => ReachFacts; log: Log }) {
    this.#facts = parts.facts
    this.#log = parts.log
  }

  /** Takes the folders of the policy as they are on the disk now; at the start, and when the configuration was read again. */
  async load(): Promise<void> {
    const policy = await resolvePolicy(this.#facts())
    this.#policy = policy
    const { upload, download, allowed } = policy
    for (const { given, closed } of [upload, download, ...allowed])
      if (closed !== undefined) this.#log.warn('a folder is closed to file actions', { folder: given, error: closed })
  }

  /**
   * The source of an upload, or undefined when the path does not exist. The caller closes it.
   *
   * @throws AgentError `PATH_REFUSED`, `FILE_ACCESS`, `NOT_SUPPORTED` (no /proc)
   */
  async source(named: NamedPath): Promise<Source | undefined> {
    const { upload, allowed, paths } = await this.#loaded()
    const walked = await walkPath(named.path)
    try {
      const guard = await Guard.look(paths)
      await admit(named, walked, { own: upload, allowed, guard })
      if (walked.failure !== undefined) throw walked.failure
      if (walked.missing.length > 0) {
        await walked.close()
        return undefined
      }
      const removable = await upload.holds(walked, guard)
      if (walked.file === undefined) return folderSource(walked, guard, removable)
      return await fileSource(walked, guard, removable)
    } catch (error) {
      await walked.close()
      throw error
    }
  }

  /**
   * The destination of a download, which makes missing folders on the way, for the agent's user alone.
   *
   * @param named.name the file gets this name when the path is a folder
   * @param named.isFolder the path is one, also when it is not there yet
   * @throws AgentError `PATH_REFUSED`, `INVALID_ARGUMENT`, `FILE_ACCESS`, `NOT_SUPPORTED` (no /proc)
   */
  async destination(named: NamedPath & { readonly name: string; readonly isFolder?: boolean }): Promise<Destination> {
    const place = named.isFolder === true ? undefined : await this.#place(named)
    return place ?? this.#placeIn(named)
  }

  async #placeIn({ path, relative, name }: NamedPath & { readonly name: string }): Promise<Destination> {
    checkPlainName(name)
    const inside = join(path, name)
    const found = await this.#place({ path: inside, relative })
    if (found !== undefined) return found
    const message = `The destination ${inside} is a folder and will not be replaced by a file.`
    throw new AgentError('INVALID_ARGUMENT', message, { details: { path: inside } })
  }

  /** Undefined when the path names a folder. */
  async #place(named: NamedPath): Promise<Destination | undefined> {
    const { download, allowed, paths } = await this.#loaded()
    const walked = await walkPath(named.path)
    try {
      await admit(named, walked, { own: download, allowed, guard: await Guard.look(paths) })
      if (walked.failure !== undefined) throw walked.failure
      const { path, file, missing } = walked
      const name = file?.name ?? missing.at(-1)
      if (name === undefined) {
        await walked.close()
        return undefined
      }
      const mode = modeToReplace(path, file?.facts)
      const folder = await walked.keepFolder()
      return { path, folder, missing: { names: missing.slice(0, -1), mode: folderMode }, name, mode }
    } catch (error) {
      await walked.close()
      throw error
    }
  }

  async #loaded(): Promise<Policy> {
    if (this.#policy === undefined) await this.load()
    return this.#policy ?? resolvePolicy(this.#facts())
  }
}

async function resolvePolicy({ own, uploadFolder, downloadFolder, allow }: ReachFacts): Promise<Policy> {
  const paths = await resolveOwnPaths(protectedPlaces(own))
  const guard = await Guard.look(paths)
  const upload = await Root.resolve(uploadFolder, guard, { isOwn: true })
  const download = await Root.resolve(downloadFolder, guard, { isOwn: true })
  const allowed: Root[] = []
  for (const path of allow) allowed.push(await Root.resolve(path, guard))
  return { paths, upload, download, allowed }
}

/** Throws `PATH_REFUSED` unless the policy lets a file action go where a way led. */
async function admit(
  { path, relative }: NamedPath,
  walked: Walked,
  { own, allowed, guard }: { readonly own: Root; readonly allowed: readonly Root[]; readonly guard: Guard },
): Promise<void> {
  const { way, file, missing } = walked
  const where = walked.path === path ? '' : ` (it leads to ${walked.path})`
  if (!(await isHeld(walked, relative ? [own] : [own, ...allowed], guard))) {
    if (own.closed !== undefined && (relative || allowed.length === 0)) throw refused(path, withoutStop(own.closed))
    if (relative) throw refused(path, `a link in it leads out of ${own.given}, to ${walked.path}`)
    throw refused(
      path,
      `file_transfer.allow of the connection file does not name it${where}; add the folder there, or use a path in ${own.given}`,
    )
  }
  const names = file === undefined ? missing : [file.name, ...missing]
  const thing = await guard.ownThing({ way, names, facts: file?.facts })
  if (thing === undefined) return
  throw refused(
    path,
    `${thing} belongs to the agent itself or to the system${where}, and no file action reaches that, whatever file_transfer.allow says; use another path`,
  )
}

async function isHeld(walked: Walked, roots: readonly Root[], guard: Guard): Promise<boolean> {
  for (const root of roots) if (await root.holds(walked, guard)) return true
  return false
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path}: ${why}.`, { details: { path } })
}
