import { isJsonObject, parseJson } from '../../base/json.ts'

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
