// SPDX-License-Identifier: Apache-2.0
/** The licence texts of the packages in an executable, and of Node. */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError, type Report } from '../build-error.ts'
import type { Bundle } from '../bundle/bundle.ts'
import { packageBytes } from '../bundle/package-bytes.ts'
import { type NodePin, npmPack, sumOf } from '../node/node-binary.ts'
import { readTarEntry } from '../node/tar-entry.ts'
import { cacheFolder, root } from '../places.ts'

/** A package in the bundle. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** SPDX. */
  readonly licence: string
  /** Relative to the checkout. */
  readonly folder: string
}

/** The packages in the bundle, sorted by name. */
export function bundledPackages(bundle: Pick<Bundle, 'metafile'>): readonly BundledPackage[] {
  return [...packageBytes(bundle).keys()]
    .map(packageIn)
    .sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1))
}

function packageIn(folder: string): BundledPackage {
  const facts: unknown = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  if (typeof facts === 'object' && facts !== null && 'name' in facts && 'version' in facts && 'license' in facts) {
    const { name, version, license } = facts
    if (typeof name === 'string' && typeof version === 'string' && typeof license === 'string')
      return { name, version, licence: license, folder }
  }
  throw new BuildError(`${folder}/package.json must have name, version and licence.`)
}

/** One text with the licence of each package. A package without a licence text stops the release. */
export function licenceTexts(packages: readonly BundledPackage[]): string {
  const parts = packages.map(one => `${one.name} ${one.version} (${one.licence})\n\n${licenceOf(one).trim()}\n`)
  const line = `\n${'-'.repeat(80)}\n\n`
  const roots =
    'The root certificates inside are those of the Mozilla CA certificate programme, under the Mozilla Public License 2.0\n(https://mozilla.org/MPL/2.0/), unchanged but for their form.\n'
  return [`These packages are part of the executable, beside Node and device-cloud itself.\n`, ...parts, roots].join(
    line,
  )
}

/** The licence files of a package, else the licence chapter of its README. */
export function licenceOf({ folder, name }: Pick<BundledPackage, 'folder' | 'name'>): string {
  const files = readdirSync(join(root, folder))
  const texts = files.filter(file => /^(?:licen[cs]e|copying)(?:[.-].*)?$/i.test(file)).sort()
  if (texts.length > 0) return texts.map(file => readFileSync(join(root, folder, file), 'utf8').trim()).join('\n\n')
  const readme = files.find(file => /^readme(?:\.md)?$/i.test(file))
  const chapter =
    readme === undefined
      ? undefined
      : /^#+ licen[cs]e\s*\n([\s\S]+?)(?=^#|(?![\s\S]))/im.exec(readFileSync(join(root, folder, readme), 'utf8'))?.[1]
  if (chapter !== undefined && chapter.trim().length > 200) return chapter
  throw new BuildError(`${name} has no licence text in ${folder}.`)
}

/** Node's licence text, which includes those of the software in Node, from the package of the pinned binary. */
export async function nodeLicence(pin: NodePin, report: Report, cache = join(root, cacheFolder)): Promise<string> {
  const folder = join(cache, 'node', `${pin.package}-${pin.version}`)
  const path = join(folder, 'LICENSE')
  const cached = await readFile(path, 'utf8').catch(() => undefined)
  if (cached !== undefined) return cached
  report(`fetching the licence of ${pin.package} ${pin.version} from the npm registry (about 45 MB) ...`)
  await mkdir(folder, { recursive: true })
  const download = await mkdtemp(join(folder, 'download-'))
  try {
    const archive = await npmPack(pin, download)
    if (sumOf(readTarEntry(archive, 'package/bin/node')) !== pin.sha256)
      throw new BuildError(`${pin.package} ${pin.version} from the npm registry is not the pinned one. Do not use it.`)
    const text = readTarEntry(archive, 'package/LICENSE')
    await writeFile(join(download, 'LICENSE'), text)
    await rename(join(download, 'LICENSE'), path)
    return Buffer.from(text).toString()
  } finally {
    await rm(download, { recursive: true, force: true })
  }
}
