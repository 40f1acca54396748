// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url'
import { lineOfFile } from '../../platform/files/line-of-file.ts'

const place = /(?:\(|at (?:async )?)([^()\s][^()]*?):(\d+):(\d+)\)?$/
const isNode = /^node:/
const loader = /\(?node:internal\/modules\//
const ownName = /\/cli\/application\/frames\.ts$/

/** The path of the agent's own code in stack traces: one bundle, or the folder of the sources. */
const ownPlace = (placeOf(new Error().stack?.split('\n').find(isFrame) ?? '') ?? 'device-cloud').replace(ownName, '/')

function isFrame(line: string): boolean {
  return /^\s+at /.test(line)
}

/** The file of a frame, without line and column. */
function placeOf(frame: string): string | undefined {
  return place.exec(frame)?.[1]?.replace(/^file:\/\//, '')
}

function ownerOf(frame: string): 'node' | 'own' | 'application' | undefined {
  const place = placeOf(frame)
  if (place === undefined) return undefined
  if (isNode.test(place)) return 'node'
  if (place.startsWith(ownPlace) || place.startsWith('device-cloud:')) return 'own'
  return place.startsWith('/') ? 'application' : undefined
}

/** The frames of a stack that are in files of the application. */
export function applicationFrames(error: unknown): string[] {
  return stackOf(error).filter(line => isFrame(line) && ownerOf(line) === 'application')
}

/** Whether the agent's own code threw the error, whatever called it. */
export function isThrownHere(error: unknown): boolean {
  const frames = stackOf(error).filter(isFrame)
  const first = frames.findIndex(frame => ['own', 'application'].includes(ownerOf(frame) ?? ''))
  // The agent starts the application and its module loader, so an error of the loader is about the application.
  const isLoaders = frames.slice(0, Math.max(0, first)).some(frame => loader.test(frame))
  return first >= 0 && ownerOf(frames[first] ?? '') === 'own' && !isLoaders
}

/** Removes all frames but those of the application from the stack of an error. */
export function showApplicationFrames(error: unknown): void {
  const lines = stackOf(error)
  const left = lines.filter(line => !isFrame(line) || ownerOf(line) === 'application')
  if (left.length === lines.length) return
  try {
    Object.defineProperty(error, 'stack', { value: left.join('\n') })
  } catch {
    // A frozen error keeps all its frames.
  }
}

/** The line of the application that threw an error, as Node shows it; empty when there is none. */
export function excerptOf(error: unknown): string {
  const [first = ''] = applicationFrames(error)
  const [, file = '', line = '', column = ''] = place.exec(first) ?? []
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  const text = lineOfFile(path, Number(line))
  return text === undefined ? '' : `${path}:${line}\n${text}\n${' '.repeat(Number(column) - 1)}^\n\n`
}

function stackOf(error: unknown): string[] {
  return error instanceof Error && typeof error.stack === 'string' ? error.stack.split('\n') : []
}
