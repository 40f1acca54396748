// SPDX-License-Identifier: Apache-2.0
/**
 * The ledger of the packages in an executable: share/project/bundle-ledger.md.
 * `tsx build/documents/ledger.ts` writes it; `--check` fails when it differs from the bundle. Therefore a review shows every new
 * dependency, new version and sudden growth.
 */
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { BuildError, runAsProgram } from '../build-error.ts'
import { type Bundle, bundleAgent } from '../bundle/bundle.ts'
import { packageBytes } from '../bundle/package-bytes.ts'
import { root } from '../places.ts'

export const ledgerFile = 'share/project/bundle-ledger.md'

/** One package in the bundle. */
export interface Row {
  readonly name: string
  readonly version: string
  readonly licence: string
  readonly bytes: number
}

export interface Ledger {
  readonly packages: readonly Row[]
  /** Modules of Node that the bundle may load. */
  readonly builtins: readonly string[]
}

/** The ledger of a bundle. */
export function ledgerOf({ metafile }: Pick<Bundle, 'metafile'>): Ledger {
  const builtins = new Set<string>()
  for (const { imports } of Object.values(metafile.outputs))
    for (const { path, external } of imports) if (external) builtins.add(path.replace(/^node:/, ''))
  const missing = [...builtins].filter(name => !builtinModules.includes(name.split('/')[0] ?? name))
  if (missing.length > 0)
    throw new BuildError(`The bundle loads modules that it does not contain: ${missing.join(', ')}.`)
  const packages = [...packageBytes({ metafile })].map(([folder, bytes]) => ({ ...facts(folder), bytes }))
  const byName = (a: Row, b: Row) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1)
  return { packages: packages.sort(byName), builtins: [...builtins].sort() }
}

function facts(folder: string): Omit<Row, 'bytes'> {
  const text = readFileSync(join(root, folder, 'package.json'), 'utf8')
  const { name, version, license }: { name: string; version: string; license?: unknown } = JSON.parse(text)
  return { name, version, licence: typeof license === 'string' ? license : 'see its package.json' }
}

/** The ledger as the text of its file. */
export function formatLedger({ packages, builtins }: Ledger): string {
  const rows = packages.map(({ name, version, licence, bytes }) => `| ${name} | ${version} | ${licence} | ${bytes} |`)
  return `# What is inside an executable

Beside Node and our own code: these packages, minified. \`npm run ledger\` writes this page, and CI fails when it is not true.
Sizes may drift by a tenth, because only the used parts of a package are bundled.

| package | version | licence | bytes |
|---|---|---|---:|
${rows.join('\n')}

Modules of Node that the bundle may load: ${builtins.join(', ')}.
`
}

/** The ledger in the text of its file. */
export function parseLedger(text: string): Ledger {
  const rows = [...text.matchAll(/^\| (\S+) \| (\S+) \| (.+?) \| (\d+) \|$/gm)]
  const packages = rows.map(([, name = '', version = '', licence = '', bytes]) => ({
    name,
    version,
    licence,
    bytes: Number(bytes),
  }))
  const builtins = /^Modules of Node that the bundle may load: (.*)\.$/m.exec(text)?.[1]?.split(', ') ?? []
  return { packages, builtins }
}

/** One line for each difference that a review must show. */
export function compareLedgers(written: Ledger, real: Ledger): string[] {
  const title = ({ name, version }: Row) => `${name} ${version}`
  const find = (ledger: Ledger, row: Row) => ledger.packages.find(other => title(other) === title(row))
  const gone = written.packages.filter(row => !find(real, row)).map(row => `${title(row)} is not bundled any more`)
  const changed = real.packages.flatMap(row => {
    const known = find(written, row)
    if (!known) return [`${title(row)} (${row.licence}, ${row.bytes} bytes) is bundled and not in the ledger`]
    if (known.licence !== row.licence) return [`${title(row)}: the licence is ${row.licence}, not ${known.licence}`]
    const drift = Math.abs(row.bytes - known.bytes)
    return drift > Math.max(known.bytes / 10, 1024)
      ? [`${title(row)} has ${row.bytes} bytes in the bundle; the ledger says ${known.bytes}`]
      : []
  })
  const added = real.builtins
    .filter(name => !written.builtins.includes(name))
    .map(name => `the bundle loads node:${name}`)
  const dropped = written.builtins
    .filter(name => !real.builtins.includes(name))
    .map(name => `node:${name} is not loaded any more`)
  return [...gone, ...changed, ...added, ...dropped].map(line => `${ledgerFile}: ${line}`)
}

/** The differences between the committed ledger and `bundle`. */
export async function ledgerComplaints(bundle: Bundle): Promise<string[]> {
  const text = await readFile(join(root, ledgerFile), 'utf8').catch(() => '')
  return compareLedgers(parseLedger(text), ledgerOf(bundle))
}

if (process.argv[1] === import.meta.filename)
  await runAsProgram(async () => {
    const bundle = await bundleAgent()
    if (!process.argv.includes('--check'))
      return await writeFile(join(root, ledgerFile), formatLedger(ledgerOf(bundle)))
    const complaints = await ledgerComplaints(bundle)
    if (complaints.length > 0)
      throw new BuildError(
        `${complaints.join('\n       ')}\n       If this is intended, write it with npm run ledger and commit it.`,
      )
    console.log(`${ledgerFile} is true.`)
  })
