// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { type FileFacts, fileFactsNow, isSameFile, openFileFacts } from './file-facts.ts'
import { readLink } from './links.ts'
import { pathBytes, shownName } from './name-bytes.ts'

const { O_NONBLOCK, O_RDONLY } = constants
const maxLinks = 40
const maxTries = 5
/** Links in these folders are made by the system. */
const systemViews = ['/proc/', '/sys/', '/dev/']

/**
 * Opens a file for reading. The agent may publish, log or pack what it reads as root. So through a link that another user made it
 * reads only what that user may read as well, and nothing from a private folder; through a second name nothing private.
 *
 * @throws AgentError `FILE_ACCESS` when another user led it elsewhere; errors of the system
 */
export async function openToRead(path: string): Promise<FileHandle> {
  for (let tries = 1; ; tries++) {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    const file = await open(pathBytes(path), O_RDONLY | O_NONBLOCK)
    try {
      if (process.geteuid?.() !== 0 || systemViews.some(view => path.startsWith(view))) return file
      const opened = await openFileFacts(file)
      const way = await wayTo(path)
      if (way.end !== undefined && isSameFile(way.end, opened)) {
        checkMakers(path, way, opened)
        checkNames(path, way, opened)
        return file
      }
      // A program replaces a file once in a while; only an attacker does so again and again.
      if (tries === maxTries) throw refused(path, 'it is replaced again and again')
      await file.close()
    } catch (error) {
      await file.close()
      throw error
    }
  }
}

interface Way {
  readonly links: readonly { readonly path: string; readonly ownerId: number }[]
  /** The folders on the way since the last absolute link, links left out. */
  readonly folders: readonly FileFacts[]
  readonly end: FileFacts | undefined
}

function checkMakers(path: string, { links, folders }: Way, file: FileFacts): void {
  for (const { path: link, ownerId } of links) {
    if (ownerId === 0 || file.ownerId === ownerId) continue
    const isPublic = mayBy(file, 0o004) && folders.every(folder => folder.ownerId === ownerId || mayBy(folder, 0o001))
    if (!isPublic) throw refused(path, `${link} is a link of user ${ownerId}, who may not read what it leads to`)
  }
}

/** Refuses a second name (hard link) of a private file in a folder where other users can make one: its first name may be anywhere. */
function checkNames(path: string, { folders }: Way, file: FileFacts): void {
  const folder = folders.at(-1)
  if (file.links === 1 || folder === undefined || mayBy(file, 0o004)) return
  const isOpen = (folder.ownerId !== 0 && folder.ownerId !== file.ownerId) || (folder.mode & 0o022) !== 0
  if (isOpen)
    throw refused(path, `it has ${file.links} names (hard links), and users other than root could have made this one`)
}

async function wayTo(path: string): Promise<Way> {
  const links: { path: string; ownerId: number }[] = []
  let folders: { path: string; facts: FileFacts }[] = []
  let end: FileFacts | undefined
  let current = '/'
  const waiting = partsOf(resolve(path))
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (name === '..') {
      current = dirname(current)
      folders = folders.filter(folder => folder.path === current || current.startsWith(`${folder.path}${sep}`))
      continue
    }
    const at = join(current, name)
    end = fileFactsNow(at)
    if (end === undefined) break
    if (end.kind === 'folder') folders.push({ path: at, facts: end })
    if (end.kind !== 'link') {
      current = at
      continue
    }
    const target = links.length < maxLinks ? await readLink(at) : undefined
    links.push({ path: at, ownerId: end.ownerId })
    end = undefined
    if (target === undefined) break
    if (target.startsWith(sep)) {
      current = sep
      folders = []
    }
    waiting.unshift(...partsOf(target))
  }
  return { links, folders: folders.map(({ facts }) => facts), end }
}

function partsOf(path: string): string[] {
  return path.split(sep).filter(part => part !== '' && part !== '.')
}

function mayBy({ mode }: FileFacts, bits: number): boolean {
  return (mode & bits) === bits
}

function refused(path: string, why: string): AgentError {
  return new AgentError('FILE_ACCESS', `Cannot read ${shownName(path)}: ${why}.`, { details: { path } })
}
