// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, readlink } from 'node:fs/promises'
import { AgentError, errnoOf } from '../../base/errors.ts'
import { type FileFacts, factsFrom, isTrustedOwner, openFileFacts } from '../files/file-facts.ts'
import { fileFailure } from '../files/file-failure.ts'
import { nameOf, oneText, pathBytes } from '../files/name-bytes.ts'
import { descriptorPath, holdEntry, holdFolder, needDescriptorPaths, ownRoot } from './descriptor.ts'
import { firmness, type PassedFolder, type WalkEnd, Walked } from './walked.ts'

/** As many links as the kernel itself follows. */
const maxLinks = 40
const maxParts = 1024

/**
 * Walks along an absolute path from the root of the file system, one part after the other, each opened below the descriptor of
 * the one before. A link is followed only when it belongs to root or to the user of this process. Nothing is created, read, or
 * opened for use. The caller decides whether the end may be used, and closes it; all names in it are in the form of {@link oneText}.
 *
 * {@link Walked.missing} has the parts that do not exist, {@link Walked.failure} a failure on the way: the caller shows both only to
 * those who may know what exists there.
 *
 * @throws AgentError `PATH_REFUSED` for a link of another user and for one that leads nowhere; `NOT_SUPPORTED` without /proc
 */
export async function walkPath(path: string): Promise<Walked> {
  await needDescriptorPaths()
  const walk = new Walk(path)
  try {
    return await walk.run()
  } catch (error) {
    await walk.close()
    throw error
  }
}

interface Part {
  readonly name: string
  readonly fromLink: boolean
}

interface Step {
  readonly handle: FileHandle
  readonly facts: FileFacts
  readonly folder: PassedFolder
}

class Walk {
  readonly #given: string
  readonly #steps: Step[] = []
  /** The parts that are still ahead, the next one last. */
  readonly #parts: Part[] = []
  #links = 0

  constructor(path: string) {
    this.#given = path
    this.#goOnWith(path, false)
  }

  async run(): Promise<Walked> {
    await this.#enterRoot()
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      if (part.name === '..') {
        await this.#leave()
        continue
      }
      const end = await this.#pass(part)
      if (end !== undefined) return this.#result(end)
    }
    return this.#result({ missing: [] })
  }

  async close(): Promise<void> {
    for (const { handle } of this.#steps.splice(0)) await handle.close()
  }

  /** Goes one part further; returns the end of the way when that is reached. */
  async #pass(part: Part): Promise<WalkEnd | undefined> {
    const { name } = part
    const path = this.#pathOf(name)
    let held: FileHandle | undefined
    try {
      held = await holdEntry(this.#at(name))
      const stats = await held.stat({ bigint: true })
      const facts = factsFrom(stats)
      if (facts.kind === 'folder') {
        this.#steps.push({ handle: held, facts, folder: { path, ...firmness(facts, this.#last) } })
        held = undefined
      } else if (facts.kind === 'link') await this.#follow(name, stats)
      else {
        const file = { name, facts, handle: held }
        held = undefined
        if (this.#parts.length === 0) return { file, missing: [] }
        const notFolder = Object.assign(new Error('not a folder'), { code: 'ENOTDIR' })
        return { file, missing: this.#rest(), failure: fileFailure('open', this.#given, notFolder) }
      }
      return undefined
    } catch (error) {
      if (error instanceof AgentError) throw error
      if (errnoOf(error) !== 'ENOENT')
        return { missing: [name, ...this.#rest()], failure: fileFailure('look at', path, error) }
      // A file that is written through such a link lands where the link points, which was not checked.
      if (part.fromLink) throw refused(this.#given, 'it goes through a link that leads nowhere')
      return { missing: [name, ...this.#rest()] }
    } finally {
      await held?.close()
    }
  }

  get #last(): Step {
    const step = this.#steps.at(-1)
    if (step === undefined) throw new AgentError('INTERNAL', 'The way to a path has left the root of the file system.')
    return step
  }

  #at(name: string): string {
    return `${descriptorPath(this.#last.handle)}/${name}`
  }

  #pathOf(name: string): string {
    const { path } = this.#last.folder
    return path === '/' ? `/${name}` : `${path}/${name}`
  }

  #rest(): string[] {
    return this.#parts.map(({ name }) => name).reverse()
  }

  #goOnWith(path: string, fromLink: boolean): void {
    const names = oneText(path)
      .split('/')
      .filter(name => name !== '' && name !== '.')
    this.#parts.push(...names.reverse().map(name => ({ name, fromLink })))
    if (this.#parts.length > maxParts) throw refused(this.#given, `it has more than ${maxParts} parts`)
  }

  async #enterRoot(): Promise<void> {
    const handle = await holdFolder(ownRoot, { followLinks: true })
    const facts = await openFileFacts(handle)
    this.#steps.push({ handle, facts, folder: { path: '/', ...firmness(facts) } })
  }

  /** `..` in a link. The folder above the root is the root. */
  async #leave(): Promise<void> {
    if (this.#steps.length > 1) await this.#steps.pop()?.handle.close()
  }

  async #follow(name: string, stats: BigIntStats): Promise<void> {
    // Another user may have put a second name of a link here.
    if (!isTrustedOwner(Number(stats.uid)) || stats.nlink > 1n)
      throw refused(
        this.#given,
        `${this.#pathOf(name)} is a link that a user other than root and the agent's own has made (user ${stats.uid}). Name the path that it leads to, or let root make the link`,
      )
    const target = await this.#targetOf(name, stats)
    if (++this.#links > maxLinks) throw refused(this.#given, `it goes through more than ${maxLinks} links`)
    if (target.startsWith('/')) for (const { handle } of this.#steps.splice(1)) await handle.close()
    this.#goOnWith(target, true)
  }

  /** The target of the very link whose owner was checked. */
  async #targetOf(name: string, stats: BigIntStats): Promise<string> {
    const target = nameOf(await readlink(pathBytes(this.#at(name)), { encoding: 'buffer' }))
    const now = await lstat(pathBytes(this.#at(name)), { bigint: true })
    if (now.dev === stats.dev && now.ino === stats.ino && now.ctimeNs === stats.ctimeNs) return target
    throw refused(this.#given, `${this.#pathOf(name)} was replaced while it was looked at`)
  }

  async #result(end: WalkEnd): Promise<Walked> {
    const way = this.#steps.map(({ folder }) => folder)
    const { handle } = this.#last
    for (const step of this.#steps.splice(0)) if (step.handle !== handle) await step.handle.close()
    return new Walked(way, handle, end)
  }
}

function refused(path: string, why: string): AgentError {
  return new AgentError('PATH_REFUSED', `${path} is refused: ${why}.`, { details: { path } })
}
