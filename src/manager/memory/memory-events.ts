import { isJsonObject, parseJson } from '../../base/json.ts'
import { megabyte } from './soft-limit.ts'

/** What a manager that ends for its memory leaves for the next one. */
export interface RestartNote {
  readonly at: string
  readonly usedBytes: number
  readonly limitBytes: number
  /** For how long it had been above the limit. */
  readonly aboveS: number
}

/** `memory_restart` in the runtime folder: written once for each such restart, removed when it is told. */
export interface NoteFile {
  /** The text of the file, or undefined when there is none. */
  read(): Promise<string | undefined>
  /** On the disk when it resolves. */
  write(text: string): Promise<void>
  remove(): Promise<void>
}

/** The note of the last process. A file that cannot be understood is one all the same: there was such a restart. */
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

/** What the cloud is told about memory: nobody reads the log of a device in the field. */
export interface MemoryEvents {
  /** Resolves when it will arrive, whatever happens to this process. */
  restarted(note: RestartNote): Promise<void>
  /** Above the limit, and restarting does not help. */
  held(facts: { readonly usedBytes: number; readonly limitBytes: number }): Promise<void>
}

interface EventClient {
  readonly events: {
    publish(text: string, options: { readonly level: 'error' | 'warning' }): Promise<{ delivered(): Promise<void> }>
  }
  spill(): Promise<boolean>
}

/** Tells it as events. */
export function memoryEvents(client: EventClient): MemoryEvents {
  return {
    async restarted({ at, usedBytes, limitBytes, aboveS }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)}) for ${aboveS} s`
      const text = `memory_restart: the device manager restarted itself at ${at}: it held ${sizes}.`
      const receipt = await client.events.publish(text, { level: 'warning' })
      // On flash it outlives this process; where nothing goes to flash only the cloud can have it.
      if (!(await client.spill())) await receipt.delivered()
    },
    async held({ usedBytes, limitBytes }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)})`
      const text = `memory_pressure: the device manager holds ${sizes}, and a restart does not help. It goes on without one.`
      await client.events.publish(text, { level: 'error' })
    },
  }
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(1)} MB`
}
