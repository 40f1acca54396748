// SPDX-License-Identifier: Apache-2.0
/** Gets the Node binary of a pinned npm package, and checks its sum on every use. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError, type Report } from '../build-error.ts'
import { cacheFolder, root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import { readTarEntry } from './tar-entry.ts'

/** A Node binary on the npm registry: package, exact version, and SHA-256 of its bin/node. */
export interface NodePin {
  readonly package: string
  readonly version: string
  readonly sha256: string
}

export interface NodeBinary {
  readonly path: string
  readonly bytes: Uint8Array
  readonly sha256: string
}

export interface FetchOptions {
  readonly report: Report
  readonly cache?: string | undefined
  /** Returns the .tgz of the package; by default with `npm pack`. */
  readonly pack?: (pin: NodePin, folder: string) => Promise<Uint8Array>
}

/** The binary of `pin`, from the cache or the registry. Throws a {@link BuildError} when its sum is not the pinned one. */
export async function pinnedNode(pin: NodePin, options: FetchOptions): Promise<NodeBinary> {
  const { report, cache = join(root, cacheFolder), pack = npmPack } = options
  const folder = join(cache, 'node', `${pin.package}-${pin.version}`)
  const path = join(folder, 'node')
  const cached = await readFile(path).catch(() => undefined)
  if (cached !== undefined) {
    checkSum(pin, cached, `the cached copy ${path}`, 'Delete it and build again.')
    return { path, bytes: cached, sha256: pin.sha256 }
  }
  report(`fetching ${pin.package} ${pin.version} from the npm registry (about 45 MB) ...`)
  await mkdir(folder, { recursive: true })
  const download = await mkdtemp(join(folder, 'download-'))
  try {
    const bytes = readTarEntry(await pack(pin, download), 'package/bin/node')
    checkSum(
      pin,
      bytes,
      'the file from the npm registry',
      'Do not use it, and do not change the pin in targets/ before you know who changed the file.',
    )
    const whole = join(download, 'node')
    await writeFile(whole, bytes)
    await chmod(whole, 0o755)
    await rename(whole, path)
    return { path, bytes, sha256: pin.sha256 }
  } finally {
    await rm(download, { recursive: true, force: true })
  }
}

/** The caller's own binary at `path` (--node). It is not pinned, so its sum is reported. */
export async function ownNode(path: string, report: Report): Promise<NodeBinary> {
  const bytes = await readFile(path).catch(error => {
    throw new BuildError(`--node ${path} cannot be read: ${error instanceof Error ? error.message : error}`)
  })
  const sha256 = sumOf(bytes)
  report(`using your own Node ${path}, SHA-256 ${sha256}`)
  return { path, bytes, sha256 }
}

export function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function checkSum(pin: NodePin, bytes: Uint8Array, source: string, remedy: string): void {
  const sum = sumOf(bytes)
  if (sum === pin.sha256) return
  throw new BuildError(
    `bin/node of ${pin.package} ${pin.version} is not the pinned one: ${source} has SHA-256 ${sum}, not ${pin.sha256}. ${remedy}`,
  )
}

/** The .tgz of a package, downloaded by the npm that runs this process. */
export async function npmPack(pin: NodePin, folder: string): Promise<Uint8Array> {
  // Under `npm run` this is the path of the npm that runs this process, which may differ from the one in PATH. Other package
  // managers set it too.
  const npm = process.env.npm_execpath
  const [program, first] = npm?.endsWith('npm-cli.js') ? [process.execPath, [npm]] : ['npm', []]
  const args = [...first, 'pack', '--silent', '--pack-destination', folder, `${pin.package}@${pin.version}`]
  await runProgram(program, args, { cwd: folder, timeoutMs: 600_000 })
  return await readFile(join(folder, `${pin.package}-${pin.version}.tgz`))
}
