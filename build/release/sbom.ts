// SPDX-License-Identifier: Apache-2.0
/** The list of the software in an executable, for vulnerability scanners [CycloneDX 1.5]. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildError } from '../build-error.ts'
import { launcherOf } from '../node/machine.ts'
import { root } from '../places.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'
import type { BundledPackage } from './licences.ts'

export interface SbomParts {
  readonly target: Target
  readonly version: string
  readonly packages: readonly BundledPackage[]
  /** `process.versions` of the Node in the executable. */
  readonly nodeVersions: Readonly<Record<string, string>>
  /** SHA-256 of the executable. */
  readonly executableSum: string
  /** SHA-256 of the root certificates. */
  readonly rootsSum: string
  readonly epochSeconds: number
}

/** The names in `process.versions` that are software with its own version. */
const inNode: Readonly<Record<string, string>> = {
  acorn: 'acorn',
  ada: 'ada',
  ares: 'c-ares',
  brotli: 'brotli',
  cjs_module_lexer: 'cjs-module-lexer',
  icu: 'icu',
  llhttp: 'llhttp',
  nbytes: 'nbytes',
  ncrypto: 'ncrypto',
  nghttp2: 'nghttp2',
  nghttp3: 'nghttp3',
  ngtcp2: 'ngtcp2',
  openssl: 'openssl',
  simdjson: 'simdjson',
  simdutf: 'simdutf',
  sqlite: 'sqlite',
  tz: 'tzdata',
  undici: 'undici',
  uv: 'libuv',
  uvwasi: 'uvwasi',
  v8: 'v8',
  zlib: 'zlib',
  zstd: 'zstd',
}

/** The SBOM of one target as JSON text. The same parts give the same bytes. */
export function sbomOf(parts: SbomParts): string {
  const { target, version, epochSeconds } = parts
  const node = `pkg:npm/${target.node.package}@${target.node.version}`
  const self = `pkg:npm/device-cloud@${version}`
  const components = [...packageComponents(parts.packages), ...nodeComponents(parts, node), rootCertificates(parts)]
  const content = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(epochSeconds * 1000).toISOString().replace('.000', ''),
      component: {
        'bom-ref': self,
        type: 'application',
        name: 'device-cloud',
        version,
        purl: self,
        hashes: [{ alg: 'SHA-256', content: parts.executableSum }],
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [{ name: 'device-cloud:target', value: target.name }],
      },
    },
    components,
    dependencies: [
      { ref: self, dependsOn: [...parts.packages.map(purlOf), node, 'mozilla-root-certificates'] },
      { ref: node, dependsOn: components.flatMap(one => (one['bom-ref'].startsWith('node/') ? [one['bom-ref']] : [])) },
    ],
  }
  return `${JSON.stringify({ ...content, serialNumber: serialOf(JSON.stringify(content)) }, null, 2)}\n`
}

function packageComponents(packages: readonly BundledPackage[]) {
  const sums = integrities()
  return packages.map(one => {
    const sum = sums.get(one.folder)
    return {
      'bom-ref': purlOf(one),
      type: 'library',
      name: one.name,
      version: one.version,
      purl: purlOf(one),
      licenses: [/^[\w.+-]+$/.test(one.licence) ? { license: { id: one.licence } } : { expression: one.licence }],
      ...(sum === undefined ? {} : { hashes: [{ alg: 'SHA-512', content: sum }] }),
    }
  })
}

function nodeComponents({ target, nodeVersions }: SbomParts, ref: string) {
  const { version, sha256 } = target.node
  const names = Object.keys(inNode).filter(name => nodeVersions[name] !== undefined)
  return [
    {
      'bom-ref': ref,
      type: 'platform',
      name: 'node',
      version,
      purl: ref,
      cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:lts:*:*:*`,
      hashes: [{ alg: 'SHA-256', content: sha256 }],
      licenses: [{ license: { id: 'MIT' } }],
    },
    ...names.map(name => ({
      'bom-ref': `node/${name}`,
      type: 'library',
      name: inNode[name] ?? name,
      version: nodeVersions[name] ?? '',
      purl: `pkg:generic/${inNode[name]}@${encodeURIComponent(nodeVersions[name] ?? '')}`,
    })),
  ]
}

function rootCertificates({ rootsSum }: SbomParts) {
  return {
    'bom-ref': 'mozilla-root-certificates',
    type: 'data',
    name: 'mozilla-root-certificates',
    version: rootsSum.slice(0, 12),
    hashes: [{ alg: 'SHA-256', content: rootsSum }],
    licenses: [{ license: { id: 'MPL-2.0' } }],
  }
}

function purlOf({ name, version }: Pick<BundledPackage, 'name' | 'version'>): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

/** The SHA-512 of each package's archive in the lock file, by the folder of the package. */
function integrities(): ReadonlyMap<string, string> {
  const lock: { packages?: Record<string, { integrity?: string }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  const sums = new Map<string, string>()
  for (const [folder, { integrity }] of Object.entries(lock.packages ?? {}))
    if (integrity?.startsWith('sha512-')) sums.set(folder, Buffer.from(integrity.slice(7), 'base64').toString('hex'))
  return sums
}

/** A UUID that is computed from the content, so that equal content has an equal UUID. */
function serialOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
  return `urn:uuid:${parts.join('-')}`
}

/** `process.versions` of the Node binary at `path`, which may be for another processor. */
export async function nodeVersionsOf(target: Target, path: string): Promise<Readonly<Record<string, string>>> {
  const [program = path, ...args] = [...launcherOf(target), path, '-p', 'JSON.stringify(process.versions)']
  const { stdout } = await runProgram(program, args, { env: {} })
  const versions: unknown = JSON.parse(stdout)
  if (typeof versions !== 'object' || versions === null || !('openssl' in versions))
    throw new BuildError(`${path} does not print its process.versions.`)
  return Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)]))
}
