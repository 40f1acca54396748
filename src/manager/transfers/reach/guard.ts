// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path'
import { type FileFacts, type FileIdentity, fileFacts, identityKey } from '../../../platform/files/file-facts.ts'
import { listFolder } from '../../../platform/files/folders.ts'
import type { TreeEntry } from '../../../platform/held/folder-tree.ts'
import type { PassedFolder } from '../../../platform/held/walked.ts'
import { ownFileKeys } from './hard-links.ts'
import type { OwnPaths } from './own-paths.ts'
import { type ProtectedPlaces, systemViews } from './protected-places.ts'

/** What is, or will be, at the end of a path. */
export interface EndOfWay {
  readonly way: readonly PassedFolder[]
  /** The parts behind the last folder. */
  readonly names: readonly string[]
  /** Of the file that is there. */
  readonly facts: Pick<FileFacts, 'device' | 'inode' | 'links'> | undefined
}

/**
 * The agent's own things as they are on the disk now, by real path and by identity: another mount or another name of the same
 * file leads to the same answer.
 */
export class Guard {
  readonly #paths: OwnPaths
  readonly #keys: Keys
  readonly #systemDevices: ReadonlySet<bigint>
  #ownFiles: Promise<ReadonlySet<string> | undefined> | undefined

  private constructor(paths: OwnPaths, keys: Keys, systemDevices: ReadonlySet<bigint>) {
    this.#paths = paths
    this.#keys = keys
    this.#systemDevices = systemDevices
  }

  /** As it is at this moment: files are replaced, and have another identity then. */
  static async look(paths: OwnPaths): Promise<Guard> {
    const { places } = paths
    const [trees, flats, files] = await Promise.all([keysOf(places.trees), keysOf(places.flats), keysOf(places.files)])
    await lookInto(places, trees, files)
    return new Guard(paths, { trees, flats, files }, await systemDevices())
  }

  /** The own thing of the agent that a path leads to; undefined when it leads to none. */
  async ownThing({ way, names, facts }: EndOfWay): Promise<string | undefined> {
    let closed: string | undefined
    for (const folder of way) {
      if (this.#paths.open.has(folder.path)) closed = undefined
      else if (closed === undefined && this.#closesFolder(folder)) closed = folder.path
    }
    if (closed !== undefined) return closed
    const last = way.at(-1)
    if (last === undefined) return undefined
    if (names.length === 0) return this.#isFlat(last) ? last.path : undefined
    if (this.#isFlat(last) && (names.length === 1 || isExtensionName(names[0]))) return last.path
    let path = last.path
    for (const name of names) {
      path = join(path, name)
      if (this.#paths.trees.has(path)) return path
    }
    return this.#closesFile(path, facts)
  }

  /** Whether an entry of a folder is the agent's own, and left out of an upload of the folder. */
  async isOwnEntry(folder: string, { path, facts }: TreeEntry): Promise<boolean> {
    const full = join(folder, path)
    if (facts.kind === 'folder')
      return this.#closesFolder({ ...facts, path: full }) || this.#isFlat({ ...facts, path: full })
    return (await this.#closesFile(full, facts)) !== undefined
  }

  async #closesFile(path: string, facts: EndOfWay['facts']): Promise<string | undefined> {
    if (this.#paths.files.has(path) || this.#paths.places.isClosedName(path)) return path
    if (facts === undefined) return undefined
    if (this.#keys.files.has(identityKey(facts)) || this.#systemDevices.has(facts.device)) return path
    return facts.links > 1 && (await this.#isOurs(identityKey(facts))) ? path : undefined
  }

  /** True as well where there are too many files to look at: then it may be. */
  async #isOurs(key: string): Promise<boolean> {
    this.#ownFiles ??= ownFileKeys(this.#paths.places, this.#paths.open)
    return (await this.#ownFiles)?.has(key) ?? true
  }

  #closesFolder(folder: Pick<PassedFolder, 'path' | 'device' | 'inode'>): boolean {
    if (this.#paths.trees.has(folder.path) || this.#keys.trees.has(identityKey(folder))) return true
    if (this.#systemDevices.has(folder.device)) return true
    return isExtensionName(basename(folder.path)) && this.#paths.flats.has(dirname(folder.path))
  }

  #isFlat(folder: FileIdentity & { readonly path: string }): boolean {
    return this.#paths.flats.has(folder.path) || this.#keys.flats.has(identityKey(folder))
  }
}

/** Identities, by `DEVICE:INODE`. */
interface Keys {
  readonly trees: ReadonlySet<string>
  readonly flats: ReadonlySet<string>
  readonly files: ReadonlySet<string>
}

function isExtensionName(name: string | undefined): boolean {
  return name?.endsWith('.d') === true
}

async function keysOf(places: readonly string[]): Promise<Set<string>> {
  const keys = new Set<string>()
  await Promise.all(
    places.map(async place => {
      // A file that this user may not look at cannot be reached by a path either.
      const facts = await fileFacts(place).catch(() => undefined)
      if (facts !== undefined) keys.add(identityKey(facts))
    }),
  )
  return keys
}

const maxDirect = 1000

/** A file or folder directly in one of the agent's may be mounted elsewhere by itself. */
async function lookInto(
  { trees, flats, open }: ProtectedPlaces,
  folders: Set<string>,
  files: Set<string>,
): Promise<void> {
  for (const above of [...trees, ...flats]) {
    if (systemViews.includes(above)) continue
    try {
      for await (const { path, facts } of listFolder(above, { maxEntries: maxDirect, maxDepth: 1 })) {
        const key = identityKey(facts)
        if (facts.kind === 'file') files.add(key)
        else if (facts.kind === 'folder' && trees.includes(above) && !open.includes(join(above, path))) folders.add(key)
      }
    } catch {
      // It does not exist, or has too many entries to be the agent's alone.
    }
  }
}

/** The file systems that show the system itself, wherever they are mounted as well. */
async function systemDevices(): Promise<ReadonlySet<bigint>> {
  const root = await fileFacts('/')
  const devices = new Set<bigint>()
  for (const path of systemViews) {
    const facts = await fileFacts(path).catch(() => undefined)
    if (facts !== undefined && facts.device !== root?.device) devices.add(facts.device)
  }
  return devices
}
