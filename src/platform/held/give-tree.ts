// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs'
import { chown, type FileHandle, lchown, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { type FileFacts, fileFacts, isSameFile, openFileFacts } from '../files/file-facts.ts'
import { listFolder } from '../files/folders.ts'
import { nameOf, pathBytes } from '../files/name-bytes.ts'
import { onFile } from '../files/on-file.ts'
import { descriptorPath, hasDescriptorPaths, O_PATH } from './descriptor.ts'
import { walkPath } from './walk.ts'

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
/** Far above what the agent keeps. Each level needs a descriptor. */
const limits = { entries: 100_000, levels: 16 }

export interface NewOwner {
  readonly userId: number
  readonly groupId: number
}

/**
 * Makes a user the owner of a folder and of the folders and files in it. Each is reached by its descriptor, and links are followed only
 * when root or the user of this process has made them: another user who can write there cannot lead it elsewhere. Links and
 * devices stay as they are, and so does a file with several names, because the other names may be anywhere.
 *
 * @param onEnter called when a folder was entered and before anything in it is changed; tests act as a quick attacker there
 * @returns the files with several names
 * @throws AgentError `PATH_REFUSED`, `FILE_ACCESS` (also when this process is not root), `LIMIT_EXCEEDED`
 */
export function giveTree(
  path: string,
  owner: NewOwner,
  onEnter: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  return onFile('change the owner of', path, async () => {
    if (!(await hasDescriptorPaths())) return giveByPath(path, owner)
    const walked = await walkPath(path)
    await walked.close()
    const top = await open(walked.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      if (!isSameFile(await openFileFacts(top), walked.last))
        throw new AgentError('PATH_REFUSED', `${path} was replaced while it was looked at.`, { details: { path } })
      const giving = new Giving(owner, onEnter)
      await giving.folder(top, path, 1)
      return giving.left
    } finally {
      await top.close()
    }
  })
}

/** Without /proc, as in a folder that becomes the image of a device: no other user works there. */
async function giveByPath(path: string, owner: NewOwner): Promise<readonly string[]> {
  const left: string[] = []
  const give = async (place: string) => {
    const facts = await fileFacts(place, { followLinks: false })
    if (facts?.kind === 'file' && facts.links > 1) left.push(place)
    else if (facts?.kind === 'file' || facts?.kind === 'folder')
      await lchown(pathBytes(place), owner.userId, owner.groupId)
  }
  for await (const entry of listFolder(path, { maxEntries: limits.entries, maxDepth: limits.levels }))
    await give(join(path, entry.path))
  await give(path)
  return left
}

class Giving {
  readonly left: string[] = []
  readonly #owner: NewOwner
  readonly #onEnter: () => Promise<void>
  #entries = 0

  constructor(owner: NewOwner, onEnter: () => Promise<void>) {
    this.#owner = owner
    this.#onEnter = onEnter
  }

  /** The folder itself comes last: until then only its old owner can change it. */
  async folder(handle: FileHandle, path: string, level: number): Promise<void> {
    if (level > limits.levels) throw tooMuch(path, `more than ${limits.levels} levels of folders`)
    await this.#onEnter()
    // As bytes: a name need not be UTF-8.
    for (const name of await readdir(descriptorPath(handle), { encoding: 'buffer' })) {
      if (++this.#entries > limits.entries) throw tooMuch(path, `more than ${limits.entries} entries`)
      await this.#entry(
        Buffer.concat([Buffer.from(`${descriptorPath(handle)}/`), name]),
        `${path}/${nameOf(name)}`,
        level,
      )
    }
    await handle.chown(this.#owner.userId, this.#owner.groupId)
  }

  async #entry(place: Buffer, path: string, level: number): Promise<void> {
    const held = await open(place, O_PATH | O_NOFOLLOW).catch(ignoreGone)
    if (held === undefined) return
    try {
      const facts = await openFileFacts(held)
      if (facts.kind === 'folder') await this.#below(held, path, level)
      else if (facts.kind === 'file') await this.#file(held, facts, path)
    } finally {
      await held.close()
    }
  }

  async #below(held: FileHandle, path: string, level: number): Promise<void> {
    const folder = await open(descriptorPath(held), O_RDONLY | O_DIRECTORY)
    try {
      await this.folder(folder, path, level + 1)
    } finally {
      await folder.close()
    }
  }

  async #file(held: FileHandle, { links }: FileFacts, path: string): Promise<void> {
    if (links > 1) this.left.push(path)
    else await chown(descriptorPath(held), this.#owner.userId, this.#owner.groupId)
  }
}

function ignoreGone(error: unknown): undefined {
  if (errnoOf(error) !== 'ENOENT') throw error
}

function tooMuch(path: string, what: string): AgentError {
  return new AgentError('LIMIT_EXCEEDED', `${path} has ${what}.`, { details: { path } })
}
