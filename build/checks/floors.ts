// SPDX-License-Identifier: Apache-2.0
/**
 * Checks the floors of src/: a file may import its own folder and any lower floor, never a higher one. Folders of one floor are
 * rooms, which do not import each other, except in the {@link orderOfRooms}. The local cloud and the agent do not import each
 * other. Time, random numbers and the environment are passed in, so that tests can control them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { importsOf } from './imports.ts'

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
/**
 * Rooms of a folder, lowest first. A room may import those before it, and not the files of the folder, which wire the rooms.
 * In any other folder, rooms do not import each other, and may import the files of the folder.
 */
const orderOfRooms: Readonly<Record<string, readonly string[]>> = {
  connection: ['names', 'tls', 'tcp', 'proxy', 'socket', 'http', 'mqtt'],
  cloud: [
    'values',
    'faults',
    'traffic',
    'data-folder',
    'sockets',
    'relay',
    'store',
    'access',
    'requests',
    'commands',
    'mqtt',
    'http',
  ],
  platform: ['files', 'held', 'system', 'process', 'owners', 'store', 'log'],
  manager: [
    'actions',
    'watchdog',
    'link',
    'memory',
    'local-api',
    'transfers',
    'relay',
    'ota',
    'configuration',
    'device-facts',
    'decommission',
    'root',
    'service',
  ],
  'manager/ota': ['package', 'state', 'trial'],
  'manager/transfers': ['reach'],
  // What every command needs, what some share, and on top of all the commands, a file for each.
  cli: [
    'shell',
    'config',
    'running-manager',
    'checks',
    'application',
    'validate',
    'diag',
    'manager-process',
    'commands',
  ],
}
/** Floors whose rooms are imported by a door only: `index.ts` is for the running manager, `commands.ts` for the command line. */
const floorsWithDoors = new Set(['manager'])
const doors = /^(?:index|commands)\.ts$/
/** Beside the floors: they import nothing of the agent, and the agent nothing of them. */
const beside = ['cloud', 'tour']
/** Only these floors may import the modules of Node that access the system. */
const systemModules = /^(?:node:)?(?:fs|fs\/promises|os|child_process)$/
const systemUsers = new Set(['platform', ...beside])

/** Only the clock, the platform and the loading of settings may use these. */
const timeAndChance = new RegExp(
  [
    String.raw`\bDate\.now\b|\bnew Date\(\)|\bnew Date\b(?!\()|(?<!\bnew )\bDate\(`,
    String.raw`\bperformance\.(?:now|timeOrigin)\b|\bprocess\??\.hrtime\b|\bMath\.random\b`,
    String.raw`\bset(?:Timeout|Interval)\s*\(|\bAbortSignal\.timeout\b|['"](?:node:)?timers(?:\/promises)?['"]`,
    String.raw`\bprocess\??\.env\b|\bprocess\s*\[|\benv\b[^=;\n]*\}\s*=\s*process\b|['"](?:node:)?process['"]`,
  ].join('|'),
  'g',
)
const timeUsers = /^(?:base\/clock\.ts|config\/load[^/]*\.ts|(?:platform|cloud|tour)\/.*)$/

/** What names a file by other than a relative path: an absolute path or address, an alias, or this package itself. */
const aroundSource = /^(?:\/|#|file:|data:|device-cloud(?:\/|$))/

/** The only file that reads package.json. */
const versionFile = 'base/version.ts'

export interface Breach {
  readonly file: string
  /** The import or the expression that is not allowed. */
  readonly what: string
  readonly why: string
}

/** All breaches below `source`, the path of src/. */
export function findBreaches(source: string): Breach[] {
  return listTypeScript(source).flatMap(file => {
    const text = readFileSync(join(source, file), 'utf8')
    const imports = importsOf(text).flatMap(imported => {
      const why =
        imported === undefined ? 'the floors of a computed path are unknown' : breachOf(source, file, imported)
      return why === undefined ? [] : [{ file, what: `imports ${imported ?? 'a computed path'}`, why }]
    })
    return [...imports, ...timeBreaches(file, text)]
  })
}

function timeBreaches(file: string, text: string): Breach[] {
  if (timeUsers.test(file)) return []
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '')
  const why = 'time, random numbers and the environment are passed in: take a Clock, or a setting'
  return [...code.matchAll(timeAndChance)].map(([what]) => ({ file, what, why }))
}

function breachOf(source: string, file: string, imports: string): string | undefined {
  const from = floorNameOf(file)
  if (!imports.startsWith('.')) {
    if (systemModules.test(imports) && !systemUsers.has(from)) return `only platform/ uses ${imports}`
    return aroundSource.test(imports) ? 'leaves src/' : undefined
  }
  if (!/\.[a-z]+$/.test(imports)) return 'a path ends with the name of its file, and never with that of a folder'
  const target = relative(source, resolve(source, dirname(file), imports))
  if (target === '../package.json') return file === versionFile ? undefined : `only ${versionFile} reads package.json`
  if (target.startsWith('..')) return 'leaves src/'
  const to = floorNameOf(target)
  if (from === to) return from === 'services' ? servicesBreach(file, target) : roomBreach(file, target)
  if (beside.includes(from) || beside.includes(to))
    return 'the local cloud, the tour and the agent do not import each other'
  const [fromFloor, toFloor] = [floorOf(from), floorOf(to)]
  if (toFloor < 0) return `${to} is on no floor`
  if (toFloor < fromFloor) return doorBreach([to], target.split('/').slice(1))
  // index.ts and main.ts are the entries of their floors.
  if (toFloor === fromFloor && (from === 'index.ts' || from === 'main.ts')) return undefined
  return `floor ${fromFloor} (${from}) may not import floor ${toFloor} (${to})`
}

/** The breach, if any, of an import between two files of one floor. */
function roomBreach(file: string, target: string): string | undefined {
  const [own, other] = [file.split('/'), target.split('/')]
  const shared = own.findIndex((part, at) => part !== other[at])
  const around = own.slice(0, shared)
  const [ownRoom, otherRoom] = [roomAt(own, shared), roomAt(other, shared)]
  const order = orderOfRooms[around.join('/')]
  const place = around.join('/')
  if (ownRoom !== undefined && otherRoom === undefined)
    return order === undefined ? undefined : `${ownRoom}/ may not import the files of ${place}/ that wire it`
  if (ownRoom !== undefined && otherRoom !== undefined) {
    if (order === undefined) return `${ownRoom}/ and ${otherRoom}/ do not import each other`
    const [ownAt, otherAt] = [order.indexOf(ownRoom), order.indexOf(otherRoom)]
    if (otherAt < 0 || otherAt >= ownAt) return `${otherRoom}/ is not below ${ownRoom}/ in ${place}/`
  }
  return doorBreach(around, other.slice(shared))
}

/** @param inside the path of the imported file below `around`, the folders that it shares with the importing file */
function doorBreach(around: readonly string[], inside: readonly string[]): string | undefined {
  if (!floorsWithDoors.has(around[0] ?? '')) return undefined
  const [room, ...rest] = inside
  if (rest.length === 0 || (rest.length === 1 && doors.test(rest[0] ?? ''))) return undefined
  return `${[...around, room].join('/')}/ is imported by its index.ts or commands.ts`
}

/** The folder at `depth` of a path; undefined when that part is the file itself. */
function roomAt(path: readonly string[], depth: number): string | undefined {
  return depth < path.length - 1 ? path[depth] : undefined
}

/** A file of services/ imports only its own sub-folder. */
function servicesBreach(file: string, target: string): string | undefined {
  const own = file.split('/').length > 2 ? dirname(file) : undefined
  if (own !== undefined && target.startsWith(`${own}/`)) return undefined
  return 'services do not import each other'
}

function floorOf(room: string): number {
  return floors.findIndex(rooms => rooms.includes(room))
}

function floorNameOf(file: string): string {
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
  const breaches = findBreaches(resolve(import.meta.dirname, '../../src'))
  for (const { file, what, why } of breaches) console.error(`src/${file}: ${what}: ${why}`)
  if (breaches.length > 0) process.exit(1)
  console.log('floors: every import goes down, and time is passed in.')
}
