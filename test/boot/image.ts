/** Makes what an emulated device starts from: kernel, first root, read-only root, and the disk that keeps its state. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BuildError } from '../../build/build-error.ts'
import { runProgram } from '../../build/run-program.ts'
import { type ArchiveEntry, cpioArchive } from './archive.ts'
import { firstInit, guestFiles, guestFolders, guestLinks } from './guest-files.ts'
import { kernelModules, type MachineKind } from './machines.ts'

export interface Image {
  readonly kernel: string
  readonly firstRoot: string
  readonly root: string
}

export interface ImageParts {
  readonly kind: MachineKind
  /** Unpacked packages of Debian, see debian-packages.ts. */
  readonly debian: string
  readonly executable: string
  /** Puts the service into the root, as a builder of images does. */
  readonly installService: (root: string) => Promise<void>
}

/** Writes the image into `folder`. */
export async function makeImage(parts: ImageParts, folder: string): Promise<Image> {
  const { debian, kind } = parts
  const version = (await readdir(join(debian, 'lib/modules')))[0] ?? ''
  const firstRoot = join(folder, 'first-root.cpio')
  writeFileSync(firstRoot, cpioArchive(await firstRootEntries(debian, version)))
  const tree = join(folder, 'root')
  await makeTree(parts, tree)
  const root = join(folder, 'root.squashfs')
  // Light compression, because each run makes the image. Small blocks: a device that is short of memory reads pages of the
  // executable again and again, and unpacks a block for each.
  const compression = ['-comp', 'zstd', '-Xcompression-level', '6', '-b', '64K']
  await runProgram('mksquashfs', [tree, root, ...compression, '-all-root', '-noappend', '-quiet', '-no-progress'])
  const kernel = join(debian, 'boot', `vmlinuz-${version}`)
  if (!existsSync(kernel)) throw new BuildError(`${kind.kernel.metaPackage}: ${kernel} is missing`)
  return { kernel, firstRoot, root }
}

async function firstRootEntries(debian: string, version: string): Promise<ArchiveEntry[]> {
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
    { path: 'init', mode: program, content: Buffer.from(firstInit) },
    { path: 'modules/order', mode: program, content: Buffer.from(modules.map(({ name }) => name).join('\n')) },
    ...modules.map(({ name, content }) => ({ path: `modules/${name}`, mode: program, content })),
  ]
}

async function makeTree({ kind, debian, executable, installService }: ImageParts, tree: string): Promise<void> {
  for (const path of guestFolders) mkdirSync(join(tree, path), { recursive: true })
  for (const [path, { text, mode }] of Object.entries(guestFiles)) writeFileSync(join(tree, path), text, { mode })
  for (const [path, target] of Object.entries(guestLinks)) symlinkSync(target, join(tree, path))
  copyFileSync(join(debian, 'bin/busybox'), join(tree, 'bin/busybox'))
  // The applets are the same on every architecture of Debian; this machine's BusyBox can be asked.
  const { stdout } = await runProgram('busybox', ['--list-full'])
  for (const path of stdout.trim().split('\n'))
    if (path !== 'bin/busybox') symlinkSync('/bin/busybox', join(tree, path))
  mkdirSync(dirname(join(tree, kind.loader)), { recursive: true })
  copyFileSync(libraryOf(kind, basename(kind.loader)), join(tree, kind.loader))
  for (const name of kind.libraries) copyFileSync(libraryOf(kind, name), join(tree, 'lib', name))
  const place = join(tree, 'usr/bin/device-cloud')
  copyFileSync(executable, place)
  chmodSync(place, 0o755)
  await installService(tree)
}

function libraryOf(kind: MachineKind, name: string): string {
  const found = kind.libraryFolders.map(folder => join(folder, name)).find(path => existsSync(path))
  if (found === undefined) throw new BuildError(`${name} is in none of ${kind.libraryFolders.join(', ')}`)
  return found
}

/** Makes the disk that outlives a reboot; `content` has the folders etc and state. */
export async function makeDataDisk(content: string, path: string): Promise<string> {
  await runProgram('mke2fs', ['-q', '-t', 'ext4', '-E', 'root_owner=0:0', '-d', content, path, '48M'])
  return path
}
