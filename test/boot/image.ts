// SPDX-License-Identifier: Apache-2.0
/** Makes what an emulated device starts from: kernel, first root, read-only root, and the disk that keeps its state. */
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BuildError } from '../../build/build-error.ts'
import { runProgram } from '../../build/run-program.ts'
import { type ArchiveEntry, cpioArchive } from './archive.ts'
import { firstInit } from './guest-files.ts'
import { kernelModules, type MachineKind } from './machines.ts'
import type { Userland } from './userland.ts'

/** The place of an executable that is not in the read-only root. */
export const agentOnDisk = '/data/bin/device-cloud'

export interface Image {
  readonly kernel: string
  readonly firstRoot: string
  readonly root: string
}

export interface ImageParts {
  readonly kind: MachineKind
  /** Unpacked packages of Debian, see debian-packages.ts. */
  readonly debian: string
  readonly userland: Userland
  readonly executable: string
  /** The executable lies on the disk that can be written to, at {@link agentOnDisk}: only so it can be replaced. */
  readonly isReplaceable: boolean
  /** Puts the service into the root, as a builder of images does. */
  readonly installService: (root: string) => Promise<void>
  readonly report: (line: string) => void
}

/** Writes the image into `folder`. */
export async function makeImage(parts: ImageParts, folder: string): Promise<Image> {
  const { debian, kind, userland } = parts
  const version = (await readdir(join(debian, 'lib/modules')))[0] ?? ''
  const firstRoot = join(folder, 'first-root.cpio')
  writeFileSync(firstRoot, cpioArchive(await firstRootEntries(debian, version, firstInit(userland.beforeInit))))
  const tree = join(folder, 'root')
  await userland.makeTree({ kind, debian, report: parts.report }, tree)
  const place = join(tree, 'usr/bin/device-cloud')
  copyFileSync(parts.executable, place)
  chmodSync(place, 0o755)
  await parts.installService(tree)
  if (parts.isReplaceable) {
    rmSync(place)
    symlinkSync(agentOnDisk, place)
  }
  const root = join(folder, 'root.squashfs')
  // Light compression, because each run makes the image. Small blocks: a device that is short of memory reads pages of the
  // executable again and again, and unpacks a block for each.
  const compression = ['-comp', 'zstd', '-Xcompression-level', '6', '-b', '64K']
  await runProgram('mksquashfs', [tree, root, ...compression, '-all-root', '-noappend', '-quiet', '-no-progress'])
  const kernel = join(debian, 'boot', `vmlinuz-${version}`)
  if (!existsSync(kernel)) throw new BuildError(`${kind.kernel.metaPackage}: ${kernel} is missing`)
  return { kernel, firstRoot, root }
}

async function firstRootEntries(debian: string, version: string, init: string): Promise<ArchiveEntry[]> {
  const tree = join(debian, 'lib/modules', version, 'kernel')
  const places = new Map((await readdir(tree, { recursive: true })).map(path => [basename(path), path]))
  const modules = kernelModules.flatMap(name => {
    const path = places.get(`${name}.ko`)
    return path === undefined ? [] : [{ name: `${name}.ko`, content: readFileSync(join(tree, path)) }]
  })
  const folder = 0o040755
  const program = 0o100755
  return [
    ...['bin', 'modules'].map(path => ({ path, mode: folder })),
    { path: 'bin/busybox', mode: program, content: readFileSync(join(debian, 'bin/busybox')) },
    { path: 'init', mode: program, content: Buffer.from(init) },
    { path: 'modules/order', mode: program, content: Buffer.from(modules.map(({ name }) => name).join('\n')) },
    ...modules.map(({ name, content }) => ({ path: `modules/${name}`, mode: program, content })),
  ]
}

/** Makes the disk that outlives a reboot; `content` has the folders etc and state. */
export async function makeDataDisk(content: string, path: string, sizeMb: number): Promise<string> {
  await runProgram('mke2fs', ['-q', '-t', 'ext4', '-E', 'root_owner=0:0', '-d', content, path, `${sizeMb}M`])
  return path
}
