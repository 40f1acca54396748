import { basename, dirname, join } from 'node:path'
import { realPath } from '../../platform/contained-path.ts'
import { fileFacts } from '../../platform/file-facts.ts'
import { listFolder } from '../../platform/folders.ts'
import type { TreeEntry } from '../../platform/held/folder-tree.ts'
import { type FileIdentity, identityKey, type TransferFacts } from '../../platform/held/transfer-facts.ts'
import type { PassedFolder } from '../../platform/held/walked.ts'
import { ownFileKeys } from './hard-links.ts'
import { type ProtectedPlaces, systemViews } from './protected-places.ts'

/** What stands, or will stand, at the end of a way. */
export interface EndOfWay {
  readonly way: readonly PassedFolder[]
  /** The parts behind the last folder. */
  readonly names: readonly string[]
  /** Of the file that is there. */
  readonly facts: Pick<TransferFacts, 'device' | 'inode' | 'links'> | undefined
}

/**
 * The agent's own things as they are on the disk now, by real path and by identity: another mount or another name of the same
 * file leads to the same answer.
 */
export class Guard {
  readonly #places: ProtectedPlaces
  readonly #treePaths: ReadonlySet<string>
  readonly #treeKeys: ReadonlySet<string>
  readonly #flatPaths: ReadonlySet<string>
  readonly #flatKeys: ReadonlySet<string>
  readonly #filePaths: ReadonlySet<string>
  readonly #fileKeys: ReadonlySet<string>
  readonly #open: ReadonlySet<string>
  readonly #systemDevices: ReadonlySet<bigint>
  #ownFiles: Promise<ReadonlySet<string> | undefined> | undefined

  private constructor(places: ProtectedPlaces, found: Found, systemDevices: ReadonlySet<bigint>) {
    this.#places = places
    this.#treePaths = found.trees.paths
    this.#treeKeys = found.trees.keys
    this.#flatPaths = found.flats.paths
    this.#flatKeys = found.flats.keys
    this.#filePaths = found.files.paths
    this.#fileKeys = found.files.keys
    this.#open = found.open
    this.#systemDevices = systemDevices
  }

  static async look(places: ProtectedPlaces): Promise<Guard> {
    const [trees, flats, files] = [await lookAt(places.trees), await lookAt(places.flats), await lookAt(places.files)]
    await lookInto(places, trees.keys, files.keys)
    // With its own name only: where a link of this name leads is not ours to open.
    const open = new Set<string>()
    for (const path of places.open) open.add(join(await realPathOf(dirname(path)), basename(path)))
    return new Guard(places, { trees, flats, files, open }, await systemDevices())
  }

  /** What of the agent's own a way leads to; undefined when it may be gone. */
  async ownThing({ way, names, facts }: EndOfWay): Promise<string | undefined> {
    let closed: string | undefined
    for (const folder of way) {
      if (this.#open.has(folder.path)) closed = undefined
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
      if (this.#treePaths.has(path)) return path
    }
    return this.#closesFile(path, facts)
  }

  /** Whether an entry of a folder stays out of what is made of the folder. */
  async isOwnEntry(folder: string, { path, facts }: TreeEntry): Promise<boolean> {
    const full = join(folder, path)
    if (facts.kind === 'folder')
      return this.#closesFolder({ ...facts, path: full }) || this.#isFlat({ ...facts, path: full })
    return (await this.#closesFile(full, facts)) !== undefined
  }

  async #closesFile(path: string, facts: EndOfWay['facts']): Promise<string | undefined> {
    if (this.#filePaths.has(path) || this.#places.isClosedName(path)) return path
    if (facts === undefined) return undefined
    if (this.#fileKeys.has(identityKey(facts)) || this.#systemDevices.has(facts.device)) return path
    return facts.links > 1 && (await this.#isOurs(identityKey(facts))) ? path : undefined
  }

  /** Where there are too many to look at, it may be. */
  async #isOurs(key: string): Promise<boolean> {
    this.#ownFiles ??= ownFileKeys(this.#places, this.#open)
    return (await this.#ownFiles)?.has(key) ?? true
  }

  #closesFolder(folder: Pick<PassedFolder, 'path' | 'device' | 'inode'>): boolean {
    if (this.#treePaths.has(folder.path) || this.#treeKeys.has(identityKey(folder))) return true
    if (this.#systemDevices.has(folder.device)) return true
    return isExtensionName(basename(folder.path)) && this.#flatPaths.has(dirname(folder.path))
  }

  #isFlat(folder: FileIdentity & { readonly path: string }): boolean {
    return this.#flatPaths.has(folder.path) || this.#flatKeys.has(identityKey(folder))
  }
}

interface Seen {
  readonly paths: Set<string>
  readonly keys: Set<string>
}

interface Found {
  readonly trees: Seen
  readonly flats: Seen
  readonly files: Seen
  readonly open: ReadonlySet<string>
}

function isExtensionName(name: string | undefined): boolean {
  return name?.endsWith('.d') === true
}

async function lookAt(places: readonly string[]): Promise<Seen> {
  const paths = new Set<string>()
  const keys = new Set<string>()
  for (const place of places) {
    paths.add(place)
    paths.add(await realPathOf(place))
    // Who may not look at a file of his own cannot be sent to it either.
    const facts = await fileFacts(place).catch(() => undefined)
    if (facts !== undefined) keys.add(`${facts.device}:${facts.inode}`)
  }
  return { paths, keys }
}

const mostDirect = 1000

/** What lies directly in our folders may be mounted elsewhere by itself. */
async function lookInto(
  { trees, flats, open }: ProtectedPlaces,
  folders: Set<string>,
  files: Set<string>,
): Promise<void> {
  for (const above of [...trees, ...flats]) {
    if (systemViews.includes(above)) continue
    try {
      for await (const { path, facts } of listFolder(above, { maxEntries: mostDirect, maxDepth: 1 })) {
        const key = `${facts.device}:${facts.inode}`
        if (facts.kind === 'file') files.add(key)
        else if (facts.kind === 'folder' && trees.includes(above) && !open.includes(join(above, path))) folders.add(key)
      }
    } catch {
      // Not there, or more than is ours.
    }
  }
}

/** The path without links; as it is where it leads nowhere. */
function realPathOf(path: string): Promise<string> {
  return realPath(path).catch(() => path)
}

/** The file systems that show the system itself, wherever they are mounted as well. */
async function systemDevices(): Promise<ReadonlySet<bigint>> {
  const root = await fileFacts('/')
  const devices = new Set<bigint>()
  for (const path of systemViews) {
    const facts = await fileFacts(path).catch(() => undefined)
    if (facts !== undefined && facts.device !== root?.device) devices.add(BigInt(facts.device))
  }
  return devices
}
