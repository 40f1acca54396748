// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run release [-- --target all|x64|arm64|armv7] [--sign KEY.pem] [--out DIR]`: writes the files of a release page to dist/release/.
 * Two releases of one commit with the same tools have the same bytes.
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { embeddedRoots } from '../../src/connection/tls/embedded-roots.ts'
import { BuildError, MissingTool, type Report, runAsProgram } from '../build-error.ts'
import { type Bundle, bundleAgent } from '../bundle/bundle.ts'
import { buildExecutable } from '../executable/executable.ts'
import { pinnedNode, sumOf } from '../node/node-binary.ts'
import { distFolder, root } from '../places.ts'
import { findProgram, runProgram } from '../run-program.ts'
import { readTarget, type TargetName, targetNames } from '../target.ts'
import { commitTime } from '../version/commit-time.ts'
import { checkCommitted } from '../version/git.ts'
import { readVersion } from '../version/read-version.ts'
import { bundledPackages, licenceTexts, nodeLicence } from './licences.ts'
import { movedLinks } from './moved-links.ts'
import { preflightScript } from './preflight.ts'
import { requirementsOf } from './requirements.ts'
import { nodeVersionsOf, sbomOf } from './sbom.ts'
import { signatureOf } from './signature.ts'
import { type ReleaseRow, releaseTable } from './table.ts'
import { type TarFile, tarOf } from './tar.ts'

export interface ReleaseOptions {
  readonly targets: readonly TargetName[]
  /** The folder for the files; it is replaced completely. */
  readonly folder: string
  /** PEM file of an Ed25519 private key. */
  readonly sign?: string | undefined
  readonly report: Report
}

/** With more than one thread, xz splits the input into blocks of one size: the bytes do not depend on the number of threads. */
const xzFlags = ['-6', '--threads=2', '--block-size=24MiB']

/** Makes the release in another folder, and renames that when it is complete. */
export async function release(options: ReleaseOptions): Promise<void> {
  const { targets, folder, report } = options
  if (findProgram('xz') === undefined) throw new MissingTool('release', 'xz', ['xz-utils'])
  if (options.sign !== undefined) await checkCommitted()
  const epochSeconds = await commitTime()
  const bundle = await bundleAgent()
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(`${folder}.unfinished-`)
  try {
    const rows: ReleaseRow[] = []
    for (const name of targets) rows.push(await releaseTarget(name, bundle, epochSeconds, unfinished, report))
    await writeFile(join(unfinished, 'SIZES.md'), releaseTable(readVersion(), rows))
    await writeSums(unfinished, options.sign)
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  for (const file of (await readdir(folder)).sort()) report(relative(root, join(folder, file)))
}

async function releaseTarget(
  name: TargetName,
  bundle: Bundle,
  epochSeconds: number,
  folder: string,
  report: Report,
): Promise<ReleaseRow> {
  const target = readTarget(name)
  const say: Report = line => report(`${name}: ${line}`)
  const built = await buildExecutable({ target, bundle, injector: 'own', unstrippedAllowed: false, report })
  const bytes = await readFile(built.path)
  const node = await pinnedNode(target.node, { report: say })
  const packages = bundledPackages(bundle)
  const version = readVersion()
  const title = `device-cloud-${version}-linux-${name}`
  const sbom = sbomOf({
    target,
    version,
    packages,
    nodeVersions: await nodeVersionsOf(target, node.path),
    executableSum: sumOf(bytes),
    rootsSum: sumOf(Buffer.from(embeddedRoots())),
    epochSeconds,
  })
  const requirements = await requirementsOf(target, built.path, node.path)
  const preflight = { target: name, elf: target.elf, requirements, bytes: bytes.length, sha256: sumOf(bytes) }
  const files: TarFile[] = [
    { name: 'device-cloud', mode: 0o755, bytes },
    textFile('INSTALL.md', await installGuide()),
    textFile('preflight.sh', preflightScript(preflight), 0o755),
    textFile('LICENSE', await readFile(join(root, 'LICENSE'), 'utf8')),
    textFile('licences/packages.txt', licenceTexts(packages)),
    textFile('licences/node.txt', await nodeLicence(target.node, say)),
    textFile('sbom.cdx.json', sbom),
    ...(await shareFiles()),
  ]
  await writeFile(join(folder, `${title}.cdx.json`), sbom)
  say('compressing with xz, up to a minute ...')
  const archiveBytes = await writeArchive(join(folder, `${title}.tar`), title, files, epochSeconds)
  return { target: name, node: target.node.version, executableBytes: bytes.length, archiveBytes, requirements }
}

/** Writes `path`.xz with `files` in one folder of the name `title`; resolves to its size. */
async function writeArchive(
  path: string,
  title: string,
  files: readonly TarFile[],
  epochSeconds: number,
): Promise<number> {
  const inFolder = files.map(file => ({ ...file, name: `${title}/${file.name}` }))
  await writeFile(path, tarOf(inFolder, epochSeconds))
  await runProgram('xz', [...xzFlags, path], { timeoutMs: 1_800_000 })
  return (await stat(`${path}.xz`)).size
}

function textFile(name: string, content: string, mode = 0o644): TarFile {
  return { name, mode, bytes: Buffer.from(content) }
}

/** share/install.md for the top folder of the archive: its links begin one folder further up. */
async function installGuide(): Promise<string> {
  return movedLinks(await readFile(join(root, 'share/how-to/install.md'), 'utf8'), 'share/how-to')
}

async function shareFiles(): Promise<TarFile[]> {
  const share = join(root, 'share')
  const files: TarFile[] = []
  for (const name of await readdir(share, { recursive: true })) {
    const facts = await stat(join(share, name))
    if (!facts.isFile()) continue
    // The umask of the checkout must not change the archive.
    const mode = (facts.mode & 0o100) === 0 ? 0o644 : 0o755
    files.push({ name: `share/${name}`, mode, bytes: await readFile(join(share, name)) })
  }
  return files
}

async function writeSums(folder: string, keyFile: string | undefined): Promise<void> {
  const names = (await readdir(folder)).sort()
  const lines = await Promise.all(names.map(async name => `${sumOf(await readFile(join(folder, name)))}  ${name}\n`))
  const sums = Buffer.from(lines.join(''))
  await writeFile(join(folder, 'SHA256SUMS'), sums)
  if (keyFile === undefined) return
  const { bytes, publicKey } = signatureOf(sums, keyFile)
  await writeFile(join(folder, 'SHA256SUMS.sig'), bytes)
  await writeFile(join(folder, 'SHA256SUMS.pub.pem'), publicKey)
}

function readOptions(args: string[]): Omit<ReleaseOptions, 'report'> {
  const { target = 'all', sign, out } = parse(args)
  const named = targetNames.filter(name => target === 'all' || name === target)
  if (named.length === 0) throw new BuildError(`--target ${target}: give ${targetNames.join(', ')} or all.`)
  return { targets: named, sign, folder: resolve(out ?? join(root, distFolder, 'release')) }
}

function parse(args: string[]) {
  const string = { type: 'string' } as const
  try {
    return parseArgs({ args, options: { target: string, sign: string, out: string } }).values
  } catch (error) {
    throw new BuildError(error instanceof Error ? error.message : String(error))
  }
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(() =>
    release({ ...readOptions(process.argv.slice(2)), report: line => console.error(`release: ${line}`) }),
  )
