// SPDX-License-Identifier: Apache-2.0
/** What an emulated device runs: the files of its root, without the agent. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BuildError } from '../../build/build-error.ts'
import { runProgram } from '../../build/run-program.ts'
import { debianUserland } from './debian-packages.ts'
import { busyboxFiles, commonFiles, type GuestFile, guestFolders, guestLinks } from './guest-files.ts'
import { bootCache, type MachineKind } from './machines.ts'

export interface TreeParts {
  readonly kind: MachineKind
  /** Unpacked kernel and BusyBox. */
  readonly debian: string
  readonly report: (line: string) => void
}

export interface Userland {
  /** Lines of shell in the first root, when the real one is mounted. */
  readonly beforeInit?: string
  makeTree(parts: TreeParts, tree: string): Promise<void>
}

/** BusyBox and the libraries of the executable, nothing else. */
export const busyboxUserland: Userland = {
  async makeTree({ kind, debian }, tree) {
    await putBusybox(debian, tree)
    putFiles(tree, busyboxFiles)
    for (const [path, target] of Object.entries(guestLinks)) symlinkSync(target, join(tree, path))
    mkdirSync(dirname(join(tree, kind.loader)), { recursive: true })
    copyFileSync(libraryOf(kind, basename(kind.loader)), join(tree, kind.loader))
    for (const name of kind.libraries) copyFileSync(libraryOf(kind, name), join(tree, 'lib', name))
  },
}

/** Folders, files of every device, and BusyBox with its links; what is there stays. */
export async function putBusybox(debian: string, tree: string): Promise<void> {
  for (const path of guestFolders) mkdirSync(join(tree, path), { recursive: true })
  putFiles(tree, commonFiles)
  copyFileSync(join(debian, 'bin/busybox'), join(tree, 'bin/busybox'))
  // The applets are the same on every architecture of Debian; this machine's BusyBox can be asked.
  const { stdout } = await runProgram('busybox', ['--list-full'])
  for (const path of stdout.trim().split('\n'))
    if (!existsSync(join(tree, path))) symlinkSync('/bin/busybox', join(tree, path))
}

export function putFiles(tree: string, files: Readonly<Record<string, GuestFile>>): void {
  for (const [path, { text, mode }] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true })
    writeFileSync(join(tree, path), text, { mode })
  }
}

/** Unpacks packages of Debian and their libraries into `tree`, without what only people read. */
export async function putPackages(
  { kind, report }: TreeParts,
  packages: readonly string[],
  tree: string,
): Promise<void> {
  const folder = await debianUserland(kind.kernel, packages, bootCache, report)
  for (const name of readdirSync(folder))
    cpSync(join(folder, name), join(tree, name), { recursive: true, verbatimSymlinks: true })
  rmSync(join(tree, 'usr/share'), { recursive: true })
}

function libraryOf(kind: MachineKind, name: string): string {
  const found = kind.libraryFolders.map(folder => join(folder, name)).find(path => existsSync(path))
  if (found === undefined) throw new BuildError(`${name} is in none of ${kind.libraryFolders.join(', ')}`)
  return found
}
