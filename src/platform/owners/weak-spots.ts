// SPDX-License-Identifier: Apache-2.0
import { dirname, join, resolve, sep } from 'node:path'
import { AgentError, asAgentError, withoutStop } from '../../base/errors.ts'
import { nextTurn } from '../../base/wait.ts'
import { type FileFacts, fileFacts, fileFactsNow, isSameFile } from '../files/file-facts.ts'
import { fewNamesOf } from '../files/folder-names.ts'
import { readLink } from '../files/links.ts'
import { isText, rawBytes, shownName } from '../files/name-bytes.ts'
import { onFile } from '../files/on-file.ts'
import { type OwnIdentity, ownIdentity } from './own-identity.ts'
import { groupNameOf, isGroupOf, userNameOf } from './user-database.ts'

/** A place on the way to a file where a user other than root and that of this process can change its content. */
export interface WeakSpot {
  readonly path: string
  /** `belongs to pi (uid 1000)` and the like. */
  readonly why: string
  /** The command by which root repairs it. */
  readonly remedy: string
  /** It is above the file: a folder, or a link on the way. */
  readonly isAbove: boolean
}

const maxLinks = 40
const maxEntries = 100_000
const looksPerTurn = 64
const stickyBit = 0o1000

/**
 * The places on `path`, from `/` on and through all links, where a user other than root and that of this process can change or
 * replace the file. A sticky folder on the way, in which every user may make files and remove only their own (`/tmp`), is no weak
 * spot: the owner of the entry in it decides. A path that does not exist yet has no weak spot either.
 *
 * Write permission of a group counts, except of root's group and the own one when they have no other members. An access control
 * list shows as such a permission; beside one of these two groups it cannot be seen.
 *
 * @param opened the facts of the file that was read, from its descriptor: the path must still lead to that file
 */
export async function weakSpotsOn(
  path: string,
  options: { readonly opened?: FileFacts | undefined; readonly self?: OwnIdentity | undefined } = {},
): Promise<readonly WeakSpot[]> {
  const { opened, self = await ownIdentity() } = options
  try {
    return await walk(path, self, opened)
  } catch (error) {
    return [unseen(path, error)]
  }
}

/**
 * The weak spots among the entries of a folder, one level deep: entries of another user always; where other users may enter the
 * folder, also entries that they may write to. A folder that does not exist has none.
 */
export async function weakSpotsIn(folder: string, self: OwnIdentity): Promise<readonly WeakSpot[]> {
  try {
    return await lookInto(folder, self)
  } catch (error) {
    return [unseen(folder, error)]
  }
}

async function lookInto(folder: string, self: OwnIdentity): Promise<readonly WeakSpot[]> {
  const facts = await fileFacts(folder)
  if (facts?.kind !== 'folder') return []
  const isOpen = (facts.mode & 0o011) !== 0
  const found: WeakSpot[] = []
  const names = await onFile('list', folder, () => fewNamesOf(folder, maxEntries))
  if (names === undefined) throw new AgentError('LIMIT_EXCEEDED', `${folder} has more than ${maxEntries} entries.`)
  for (const [index, name] of names.sort().entries()) {
    // A queue has hundreds of files: the thread pool would cost twenty times as much for each, but no turn may take long.
    if (index % looksPerTurn === looksPerTurn - 1) await nextTurn()
    const entry = fileFactsNow(join(folder, name))
    if (entry === undefined) continue
    // Where no other user can enter, the permissions of the entries do not matter.
    const mode = isOpen ? entry.mode : 0
    found.push(...(await spotsAt(join(folder, name), { ...entry, mode }, false, self)))
  }
  return found
}

/** A file that cannot be looked at is not trusted. */
function unseen(path: string, error: unknown): WeakSpot {
  const why = `cannot be looked at: ${withoutStop(asAgentError(error).message)}`
  return { path, why, remedy: `ls -ld ${shellWord(path)}`, isAbove: false }
}

/** Weak spots for a message. */
export function describeWeakSpots(spots: readonly WeakSpot[]): string {
  return spots.map(({ path, why }) => `${shownName(path)} ${why}`).join(', and ')
}

async function walk(path: string, self: OwnIdentity, opened: FileFacts | undefined): Promise<readonly WeakSpot[]> {
  const found: WeakSpot[] = []
  const look = async (at: string, facts: FileFacts, isAbove: boolean) => {
    if (!found.some(spot => spot.path === at)) found.push(...(await spotsAt(at, facts, isAbove, self)))
  }
  const waiting = partsOf(resolve(path))
  const root = fileFactsNow('/')
  if (root !== undefined) await look('/', root, waiting.length > 0)
  let current = '/'
  let last = root
  for (let links = 0; waiting.length > 0; ) {
    const name = waiting.shift() ?? ''
    if (name === '..') {
      current = dirname(current)
      continue
    }
    const at = join(current, name)
    last = fileFactsNow(at)
    if (last === undefined) break
    await look(at, last, waiting.length > 0 || last.kind === 'link')
    if (last.kind !== 'link') {
      current = at
      continue
    }
    const target = ++links > maxLinks ? undefined : await readLink(at)
    if (target === undefined) {
      found.push({ path: at, why: 'is one of too many links', remedy: `ls -l ${shellWord(at)}`, isAbove: true })
      break
    }
    if (target.startsWith(sep)) current = '/'
    waiting.unshift(...partsOf(target))
  }
  if (opened !== undefined && (last === undefined || !isSameFile(last, opened)))
    found.push({ path, why: 'was replaced while it was read', remedy: `ls -l ${shellWord(path)}`, isAbove: false })
  return found
}

async function spotsAt(
  path: string,
  facts: FileFacts,
  isAbove: boolean,
  self: OwnIdentity,
): Promise<readonly WeakSpot[]> {
  const { kind, mode, ownerId } = facts
  const isFolderAbove = isAbove && kind === 'folder'
  const spots: WeakSpot[] = []
  const spot = (why: string, remedy: string) =>
    spots.push({ path, why, remedy: `${remedy} ${shellWord(path)}`, isAbove })
  // The owner of folders outside a user namespace has power over everything inside it in any case.
  const isOwn = ownerId === 0 || ownerId === self.userId || (isFolderAbove && ownerId === self.unmappedId)
  if (!isOwn) {
    const owner = self.userId === 0 ? 'root' : ((await userNameOf(self.userId)) ?? String(self.userId))
    spot(
      `belongs to ${named(await userNameOf(ownerId), 'uid', ownerId)}`,
      `chown${kind === 'link' ? ' -h' : ''} ${owner}:`,
    )
  }
  // The permissions of a link mean nothing; and in a sticky folder other users can only add files, which does no harm.
  if (kind === 'link' || (isFolderAbove && (mode & stickyBit) !== 0)) return spots
  const byAll = (mode & 0o002) !== 0
  const byGroup = (mode & 0o020) !== 0 && !(await isHarmless(facts.groupId, self))
  const octal = mode.toString(8).padStart(4, '0')
  if (byAll) spot(`may be written to by every user (mode ${octal})`, 'chmod go-w')
  else if (byGroup) {
    const group = named(await groupNameOf(facts.groupId), 'gid', facts.groupId)
    spot(`may be written to by the group ${group} (mode ${octal})`, 'chmod g-w')
  }
  return spots
}

async function isHarmless(groupId: number, self: OwnIdentity): Promise<boolean> {
  return (groupId === 0 || groupId === self.groupId) && (await isGroupOf(groupId, self.userId))
}

function partsOf(path: string): string[] {
  return path.split(sep).filter(part => part !== '' && part !== '.')
}

function named(name: string | undefined, kind: 'uid' | 'gid', id: number): string {
  return name === undefined ? `${kind} ${id}` : `${name} (${kind} ${id})`
}

/** A path, quoted as one word for a shell. */
export function shellWord(path: string): string {
  if (/^[\w/.+@,:=-]+$/.test(path)) return path
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  const isOdd = !isText(path) || /[\u0000-\u001f\u007f](?!$)/.test(path)
  return isOdd ? `"$(printf '${octal(path)}')"` : `'${path.replaceAll("'", `'\\''`)}'`
}

/** The bytes of a path for the printf of every shell: a name that is not text cannot be typed. */
function octal(path: string): string {
  const letters = [...rawBytes(path)].map(byte => {
    const letter = String.fromCharCode(byte)
    return /[\w/.+@,:=-]/.test(letter) ? letter : `\\${byte.toString(8).padStart(3, '0')}`
  })
  return letters.join('')
}
