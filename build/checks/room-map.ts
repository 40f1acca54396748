// SPDX-License-Identifier: Apache-2.0
/**
 * Prints the rooms of each floor and how they import each other: `npm run rooms [-- PATH]`. PATH is another src/, for instance of
 * an earlier commit. A room is a folder of a floor; files directly on the floor count as one more.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

interface FloorMap {
  readonly floor: string
  readonly files: number
  readonly rooms: number
  /** Pairs of rooms of which the first imports the second. */
  readonly arrows: number
  /** Arrows whose room is imported back, directly or through others. */
  readonly circular: number
}

const importOf = /\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

/** The map of each floor below `source`, the path of src/. */
export function mapOfRooms(source: string): readonly FloorMap[] {
  return readdirSync(source, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => mapOf(join(source, name), name))
}

function mapOf(floor: string, name: string): FloorMap {
  const files = readdirSync(floor, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  const rooms = new Map<string, Set<string>>(files.map(file => [dirname(file), new Set()]))
  for (const file of files) {
    for (const [, imported = ''] of readFileSync(join(floor, file), 'utf8').matchAll(importOf)) {
      const room = dirname(relative(floor, resolve(floor, dirname(file), imported)))
      if (rooms.has(room) && room !== dirname(file)) rooms.get(dirname(file))?.add(room)
    }
  }
  const arrows = [...rooms].flatMap(([from, to]) => [...to].map(room => [from, room] as const))
  const circular = arrows.filter(([from, to]) => reaches(rooms, to, from))
  return { floor: name, files: files.length, rooms: rooms.size, arrows: arrows.length, circular: circular.length }
}

function reaches(rooms: ReadonlyMap<string, ReadonlySet<string>>, from: string, to: string): boolean {
  const seen = new Set([from])
  for (const room of seen) for (const next of rooms.get(room) ?? []) seen.add(next)
  return seen.has(to)
}

if (process.argv[1] === import.meta.filename)
  console.table(mapOfRooms(process.argv[2] ?? resolve(import.meta.dirname, '../../src')))
