// SPDX-License-Identifier: Apache-2.0
/** Measures executables as they are downloaded and as they are stored on flash, and compares them with their budget. */

import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { BuildError, type Report } from '../build-error.ts'
import { sumOf } from '../node/node-binary.ts'
import { cacheFolder, root } from '../places.ts'
import { findProgram, runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'
import type { Executable } from './executable.ts'

export interface Sizes {
  readonly name: string
  readonly rawBytes: number
  /** Of the Node binary alone, stripped. */
  readonly bareBytes: number
  readonly stripped: boolean
  /** Compressed with `xz -6`; absent when the caller did not ask for it, or xz is not installed. */
  readonly xzBytes?: number | undefined
  /** In a squashfs image with zstd in blocks of 256 KiB; absent likewise, with mksquashfs. */
  readonly squashfsBytes?: number | undefined
}

/** Measures `executable`. Compressing takes up to a minute; its results are cached by the SHA-256 of the executable. */
export async function measure(
  target: Target,
  executable: Executable,
  compress: boolean,
  report: Report,
): Promise<Sizes> {
  const sizes = { name: target.name, rawBytes: executable.bytes, bareBytes: executable.bareBytes }
  if (!compress) return { ...sizes, stripped: executable.stripped }
  const cached = join(root, cacheFolder, 'sizes', `${sumOf(await readFile(executable.path))}.json`)
  const text = await readFile(cached, 'utf8').catch(() => undefined)
  const compressed: Compressed =
    text === undefined ? await compressBoth(target.name, executable.path, report) : JSON.parse(text)
  // Not cached while one of the programs is missing, so that the next build measures again.
  if (compressed.xzBytes !== undefined && compressed.squashfsBytes !== undefined) {
    await mkdir(dirname(cached), { recursive: true })
    await writeFile(`${cached}.${process.pid}`, JSON.stringify(compressed))
    await rename(`${cached}.${process.pid}`, cached)
  }
  return { ...sizes, stripped: executable.stripped, ...compressed }
}

type Compressed = Pick<Sizes, 'xzBytes' | 'squashfsBytes'>

/** Both at once, because xz uses one processor. */
async function compressBoth(name: string, path: string, report: Report): Promise<Compressed> {
  const [xzBytes, squashfsBytes] = await Promise.all([
    compressWith('xz', 'xz-utils', name, report, () => countXz(path)),
    compressWith('mksquashfs', 'squashfs-tools', name, report, () => measureSquashfs(path)),
  ])
  return { xzBytes, squashfsBytes }
}

async function compressWith(
  program: string,
  debianPackage: string,
  name: string,
  report: Report,
  work: () => Promise<number>,
): Promise<number | undefined> {
  if (findProgram(program) === undefined) {
    report(`${name}: ${program} is missing, its size is not measured; install the Debian package ${debianPackage}`)
    return undefined
  }
  report(`${name}: compressing with ${program} for the size table, up to a minute ...`)
  return await work()
}

async function countXz(path: string): Promise<number> {
  // One thread: with more, xz splits the input into blocks, and the size depends on their number.
  const xz = spawn('xz', ['-6', '--threads=1', '--stdout'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let bytes = 0
  xz.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  const ended = new Promise<number | null>((resolve, reject) => xz.on('close', resolve).on('error', reject))
  await pipeline(createReadStream(path), xz.stdin)
  const code = await ended
  if (code !== 0) throw new BuildError(`xz ended with ${code}.`)
  return bytes
}

async function measureSquashfs(path: string): Promise<number> {
  const folder = await mkdtemp(join(root, cacheFolder, 'squashfs-'))
  try {
    const image = join(folder, `${basename(path)}.squashfs`)
    await runProgram('mksquashfs', [path, image, '-comp', 'zstd', '-b', '256K', '-all-root', '-noappend', '-quiet'])
    return (await stat(image)).size
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One line for each budget that `sizes` exceed; none for an executable that was not stripped. */
export function overBudget(sizes: Sizes, budget: Target['budget']): string[] {
  if (!sizes.stripped) return []
  const lines: [string, number | undefined, number][] = [
    ['the bundle and its code cache', sizes.rawBytes - sizes.bareBytes, budget.aboveBareBytes],
    ['the executable', sizes.rawBytes, budget.rawBytes],
    ['the executable in xz', sizes.xzBytes, budget.xzBytes],
    ['the executable on squashfs', sizes.squashfsBytes, budget.squashfsBytes],
  ]
  return lines.flatMap(([what, bytes, maxBytes]) =>
    bytes === undefined || bytes <= maxBytes
      ? []
      : [`${sizes.name}: ${what} has ${bytes} bytes; the budget in targets/${sizes.name}.json is ${maxBytes}`],
  )
}

/** The size table, in bytes. */
export function sizeTable(rows: readonly Sizes[]): string {
  const header = ['target', 'bare Node', 'executable', 'above Node', 'xz -6', 'squashfs zstd 256K']
  const text = (bytes: number | undefined) => (bytes === undefined ? '-' : bytes.toLocaleString('en-US'))
  const cells = rows.map(row => [
    row.stripped ? row.name : `${row.name} (not stripped)`,
    ...[row.bareBytes, row.rawBytes, row.rawBytes - row.bareBytes, row.xzBytes, row.squashfsBytes].map(text),
  ])
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map(row => row[column]?.length ?? 0)))
  return [header, ...cells]
    .map(row =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
