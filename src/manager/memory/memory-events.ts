// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, parseJson } from '../../base/json.ts'
import { megabyte } from './soft-limit.ts'

/** What a manager that restarts because of its memory leaves for the next process. */
export interface RestartNote {
  readonly at: string
  readonly usedBytes: number
  readonly limitBytes: number
  /** Seconds above the limit before the restart. */
  readonly aboveS: number
}

/** `memory_restart` in the runtime folder: written once for each such restart, removed when the cloud has its event. */
export interface NoteFile {
  /** The text of the file, or undefined when there is none. */
  read(): Promise<string | undefined>
  /** On the disk when it resolves. */
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** The note of the last process. A file that cannot be parsed counts as well: there was such a restart. */
export async function readNote(file: NoteFile): Promise<RestartNote | undefined> {
  const text = await file.read()
  if (text === undefined) return undefined
  const parsed = parseJson(text)
  const { at, usedBytes, limitBytes, aboveS } = isJsonObject(parsed) ? parsed : {}
  const number = (value: unknown) => (typeof value === 'number' ? value : 0)
  return {
    at: typeof at === 'string' ? at.slice(0, 40) : '',
    usedBytes: number(usedBytes),
    limitBytes: number(limitBytes),
    aboveS: number(aboveS),
  }
}

export function writeNote(file: NoteFile, note: RestartNote): Promise<void> {
  return file.write(`${JSON.stringify(note)}\n`)
}

/** Events about memory: an operator sees events, and seldom the log of a device in the field. */
export interface MemoryEvents {
  /** Resolves when the event will arrive, also if this process ends now. */
  restarted(note: RestartNote): Promise<void>
  /** The memory is above the limit, and a restart does not help. */
  held(facts: { readonly usedBytes: number; readonly limitBytes: number }): Promise<void>
}

interface EventClient {
  readonly events: {
    publish(text: string, options: { readonly level: 'error' | 'warning' }): Promise<{ delivered(): Promise<void> }>
  }
  spill(): Promise<boolean>
}

export function memoryEvents(client: EventClient): MemoryEvents {
  return {
    async restarted({ at, usedBytes, limitBytes, aboveS }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)}) for ${aboveS} s`
      const text = `memory_restart: the device manager restarted itself at ${at}: it held ${sizes}.`
      const receipt = await client.events.publish(text, { level: 'warning' })
      // On flash the event outlives this process; without flash, only the cloud can have it.
      if (!(await client.spill())) await receipt.delivered()
    },
    async held({ usedBytes, limitBytes }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)})`
      const text = `memory_pressure: the device manager holds ${sizes}, and a restart does not help. It runs on without one.`
      await client.events.publish(text, { level: 'error' })
    },
  }
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(1)} MB`
}
