// SPDX-License-Identifier: Apache-2.0
/** Makes the single-file executable of one target: Node, patched where necessary, stripped, with the blob in it. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError, MissingTool, type Report } from '../build-error.ts'
import type { Bundle } from '../bundle/bundle.ts'
import { type Elf, readElf } from '../elf/elf.ts'
import { injectBlob, seaFuse } from '../elf/elf-injector.ts'
import { applyPatches } from '../elf/patch.ts'
import { injectWithPostject } from '../elf/postject.ts'
import { stripOf } from '../node/machine.ts'
import { type NodeBinary, ownNode, pinnedNode, sumOf } from '../node/node-binary.ts'
import { adaptTarget, readTraits } from '../node/node-traits.ts'
import { cacheFolder, root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'
import { readVersion } from '../version/read-version.ts'
import { makeBlob } from './blob.ts'
import { withLock } from './lock.ts'
import { smokeTest } from './smoke.ts'

export const injectors = ['own', 'postject'] as const

export interface ExecutableOptions {
  readonly target: Target
  readonly bundle: Bundle
  readonly injector: (typeof injectors)[number]
  /** Path of the caller's own Node binary, instead of the pinned one. */
  readonly node?: string | undefined
  /** Whether a missing strip results in a larger executable instead of an error. Must be false for a release. */
  readonly unstrippedAllowed: boolean
  readonly report: Report
  readonly cache?: string | undefined
}

export interface Executable {
  /** In the cache; the caller copies the file. */
  readonly path: string
  readonly bytes: number
  /** Size of the Node binary alone, stripped when the executable is. */
  readonly bareBytes: number
  readonly stripped: boolean
}

/** How many executables of one target the cache keeps. */
const maxExecutables = 6

/** Builds the executable, or takes it from the cache when none of its inputs has changed. */
export async function buildExecutable(options: ExecutableOptions): Promise<Executable> {
  const { target, report, cache = join(root, cacheFolder) } = options
  const strip = findStrip(options)
  const shelf = join(cache, 'executables', target.name)
  const folder = join(shelf, await keyOf(options, strip))
  const found = await readFinished(folder, target)
  if (found) return found
  return await withLock(join(cache, 'build.lock'), report, async () => {
    const meanwhile = await readFinished(folder, target)
    if (meanwhile) return meanwhile
    await mkdir(shelf, { recursive: true })
    const unfinished = await mkdtemp(join(shelf, 'unfinished-'))
    try {
      await make(options, strip, unfinished)
      await rename(unfinished, folder).catch(async error => {
        // Another build finished first; its bytes are the same.
        if ((await readFinished(folder, target)) === undefined) throw error
      })
    } finally {
      await rm(unfinished, { recursive: true, force: true })
    }
    await dropOld(shelf)
    const made = await readFinished(folder, target)
    if (!made) throw new BuildError(`${folder} disappeared while it was built.`)
    return made
  })
}

async function make(options: ExecutableOptions, strip: string | undefined, folder: string): Promise<void> {
  const { bundle, injector, report } = options
  const say: Report = line => report(`${options.target.name}: ${line}`)
  const node = await nodeOf(options, say)
  checkNode(options.target, node)
  // Patches and options belong to the pinned bytes, also when the caller gives that binary by its path.
  const pinned = node.sha256 === options.target.node.sha256
  const bare = join(folder, 'node')
  await writeFile(bare, applyPatches(node.bytes, pinned ? options.target.node.patches : []))
  await chmod(bare, 0o755)
  if (strip !== undefined) await runProgram(strip, [bare])
  const target = pinned ? options.target : adaptTarget(options.target, await readTraits(options.target, bare), report)
  say(`making the blob with Node ${target.node.version} ...`)
  const blob = await makeBlob(target, bare, bundle.code)
  const stripped = await readFile(bare)
  say(`injecting ${blob.length} bytes (${injector}) ...`)
  const executable = injector === 'own' ? injectBlob(stripped, blob) : await injectWithPostject(stripped, blob)
  await rm(bare)
  const path = join(folder, target.file)
  await writeFile(path, executable)
  await chmod(path, 0o755)
  say('starting it once ...')
  await smokeTest(target, path, readVersion())
  await writeFile(
    join(folder, 'facts.json'),
    JSON.stringify({ bareBytes: stripped.length, stripped: strip !== undefined }),
  )
}

function nodeOf(options: ExecutableOptions, report: Report): Promise<NodeBinary> {
  const { node, target, cache } = options
  if (node !== undefined) return ownNode(node, report)
  return pinnedNode(target.node, { report, cache })
}

/** Throws unless the binary is a Node for the target's processor that can contain a blob. Nothing of it has been run yet. */
function checkNode(target: Target, node: NodeBinary): void {
  let elf: Elf
  try {
    elf = readElf(node.bytes)
  } catch (error) {
    throw new BuildError(`${node.path} is not a Node binary: ${error instanceof Error ? error.message : error}`)
  }
  const { bits, machine } = target.elf
  if (elf.bits !== bits || elf.machine !== machine)
    throw new BuildError(
      `${node.path} is for another processor: ${elf.bits} bits, ELF machine ${elf.machine}; ${target.name} is ${bits} bits, ELF machine ${machine}.`,
    )
  if (!Buffer.from(node.bytes.buffer, node.bytes.byteOffset, node.bytes.length).includes(seaFuse))
    throw new BuildError(`${node.path} is not a Node binary, or was built without single-executable support.`)
}

function findStrip({ target, unstrippedAllowed, report }: ExecutableOptions): string | undefined {
  try {
    return stripOf(target)
  } catch (error) {
    if (!unstrippedAllowed || !(error instanceof MissingTool)) throw error
    report(`${error.message} The executable is NOT STRIPPED and larger than necessary: do not release it.`)
    return undefined
  }
}

/** A hash of all inputs of the executable: the same key means the same bytes. */
async function keyOf(options: ExecutableOptions, strip: string | undefined): Promise<string> {
  const { target, bundle, injector, node } = options
  const folder = join(root, 'build')
  const sources = (await readdir(folder, { recursive: true })).filter(name => name.endsWith('.ts')).sort()
  const hash = createHash('sha256')
  for (const path of [...sources.map(name => join(folder, name)), join(root, 'sea-config.json')])
    hash.update(await readFile(path))
  hash.update(JSON.stringify([target, injector, readVersion(), strip ?? 'not stripped']))
  if (strip !== undefined) hash.update((await runProgram(strip, ['--version'])).stdout)
  if (node !== undefined) hash.update(sumOf(await readFile(node).catch(() => Buffer.alloc(0))))
  hash.update(bundle.code)
  return hash.digest('hex').slice(0, 32)
}

async function readFinished(folder: string, target: Target): Promise<Executable | undefined> {
  const text = await readFile(join(folder, 'facts.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const facts: { bareBytes: number; stripped: boolean } = JSON.parse(text)
  const path = join(folder, target.file)
  const now = new Date()
  // The cache drops what was not used for the longest time.
  await utimes(folder, now, now)
  return { path, bytes: (await stat(path)).size, bareBytes: facts.bareBytes, stripped: facts.stripped }
}

async function dropOld(shelf: string): Promise<void> {
  const folders = (await readdir(shelf)).filter(name => !name.startsWith('unfinished-'))
  const aged = await Promise.all(folders.map(async name => ({ name, usedMs: (await stat(join(shelf, name))).mtimeMs })))
  const old = aged.sort((a, b) => b.usedMs - a.usedMs).slice(maxExecutables)
  for (const { name } of old) await rm(join(shelf, name), { recursive: true, force: true })
}
