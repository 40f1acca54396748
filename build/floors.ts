/**
 * Checks the floors of src/: a file may import its own folder and any lower floor; never a higher floor,
 * never a sibling folder on the same floor. The local cloud and the agent do not import each other.
 * Time, chance and the environment come in from outside, so that tests can turn the clock.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const floors: readonly (readonly string[])[] = [
  ['base'],
  ['platform'],
  ['config'],
  ['connection'],
  ['protocol'],
  ['outbox'],
  ['services'],
  ['client', 'index.ts'],
  ['manager'],
  ['cli', 'main.ts'],
]
/** Beside the tower: they import nothing of the agent, and the agent nothing of them. */
const beside = ['cloud', 'tour']
/** The only floors that may use these modules of Node: the one place that touches the system. */
const systemModules = /^(?:node:)?(?:fs|fs\/promises|os|child_process)$/
const systemUsers = new Set(['platform', ...beside])

/** What only the clock, the platform and the loading of settings may touch. */
const timeAndChance =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\bset(?:Timeout|Interval)\(|\bAbortSignal\.timeout\(|\bprocess\.env\b|['"](?:node:)?timers(?:\/promises)?['"]/g
const timeUsers = /^(?:base\/clock\.ts|config\/load[^/]*\.ts|(?:platform|cloud|tour)\/.*)$/

/** The one file that reads package.json, for the version. */
const versionFile = 'manager/version.ts'

export interface Breach {
  readonly file: string
  /** The import or the words that are not allowed there. */
  readonly what: string
  readonly why: string
}

const importOf =
  /(?:^|\n)\s*(?:import|export)\s[^'"`]*?from\s*['"]([^'"]+)['"]|(?:^|\W)import\s*\(?\s*['"]([^'"]+)['"]/g

/** Every breach below `source` (the path of src/). */
export function findBreaches(source: string): Breach[] {
  return listTypeScript(source).flatMap(file => {
    const text = readFileSync(join(source, file), 'utf8')
    const imports = [...text.matchAll(importOf)]
      .map(match => match[1] ?? match[2] ?? '')
      .flatMap(imported => {
        const why = breachOf(source, file, imported)
        return why === undefined ? [] : [{ file, what: `imports ${imported}`, why }]
      })
    return [...imports, ...timeBreaches(file, text)]
  })
}

function timeBreaches(file: string, text: string): Breach[] {
  if (timeUsers.test(file)) return []
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const why = 'time, chance and the environment come in from outside: take a Clock, or a setting'
  return [...code.matchAll(timeAndChance)].map(([what]) => ({ file, what, why }))
}

function breachOf(source: string, file: string, imports: string): string | undefined {
  const from = roomOf(file)
  if (!imports.startsWith('.')) {
    if (systemModules.test(imports) && !systemUsers.has(from)) return `only platform/ uses ${imports}`
    return undefined
  }
  const target = relative(source, resolve(source, dirname(file), imports))
  if (target === '../package.json') return file === versionFile ? undefined : `only ${versionFile} reads package.json`
  if (target.startsWith('..')) return 'leaves src/'
  const to = roomOf(target)
  if (from === to && from !== 'services') return undefined
  if (beside.includes(from) || beside.includes(to))
    return 'the local cloud, the tour and the agent do not import each other'
  if (from === 'services' && to === 'services') return servicesBreach(file, target)
  const [fromFloor, toFloor] = [floorOf(from), floorOf(to)]
  if (toFloor < 0) return `${to} stands on no floor`
  if (toFloor < fromFloor) return undefined
  // The two halves of one floor that are one thing: the library's face, and the command line with its entry.
  if (toFloor === fromFloor && (from === 'index.ts' || from === 'main.ts')) return undefined
  return `floor ${fromFloor} (${from}) may not import floor ${toFloor} (${to})`
}

/** Services are strangers to each other: a file of services/ imports only its own sub-folder, or itself. */
function servicesBreach(file: string, target: string): string | undefined {
  const own = file.split('/').length > 2 ? dirname(file) : undefined
  if (own !== undefined && target.startsWith(`${own}/`)) return undefined
  return 'services are strangers to each other'
}

function floorOf(room: string): number {
  return floors.findIndex(rooms => rooms.includes(room))
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? file
}

function listTypeScript(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap(entry => {
    const path = join(below, entry.name)
    if (entry.isDirectory()) return listTypeScript(folder, path)
    return /\.[cm]?ts$/.test(entry.name) ? [path] : []
  })
}

if (process.argv[1] === import.meta.filename) {
  const breaches = findBreaches(resolve(import.meta.dirname, '../src'))
  for (const { file, what, why } of breaches) console.error(`src/${file}: ${what}: ${why}`)
  if (breaches.length > 0) process.exit(1)
  console.log('floors: every import goes down, and time comes in from outside.')
}
