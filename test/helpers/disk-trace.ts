// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { basename } from 'node:path'

/** One system call of a record that `strace -f -y -o` made. */
interface SystemCall {
  readonly name: string
  /** What stands between the brackets. */
  readonly words: string
  /** What it returned; -1 is a failure. */
  readonly result: number
  readonly isInjected: boolean
}

/** What is known of a file: what is written in it, and what of that a power cut leaves. */
interface TracedFile {
  bytes: number
  safeBytes: number
  /** Whether its name survives a power cut. */
  isNamed: boolean
  /** A failed sync: the kernel may take the pages for clean, so that no later one is worth anything. */
  hasFailed: boolean
}

/** What a program did to a disk, from the record of strace. */
export class DiskTrace {
  readonly #calls: readonly SystemCall[]

  private constructor(calls: readonly SystemCall[]) {
    this.#calls = calls
  }

  static read(path: string): DiskTrace {
    return new DiskTrace(parse(readFileSync(path, 'utf8')))
  }

  /** The names of the calls that can fail, in their order. */
  get names(): readonly string[] {
    return this.#calls.map(({ name }) => name)
  }

  /** The calls that a fault hit, such as `fdatasync telemetry-0000000001.seg`. */
  get faults(): readonly string[] {
    return this.#calls.filter(call => call.isInjected).map(({ name, words }) => `${name} ${basename(pathIn(words))}`)
  }

  /**
   * Leaves on the disk what a power cut would leave at worst, now that the program was killed: each file as long as it was at its
   * last good sync, and no file whose name was not forced to the disk with its folder.
   *
   * @param before the files that were there when the program began, all of them safe
   */
  cutPower(before: ReadonlyMap<string, number>): void {
    for (const [path, { safeBytes, isNamed }] of this.#replay(before)) {
      if (!existsSync(path)) continue
      if (!isNamed) rmSync(path)
      else if (statSync(path).size > safeBytes) truncateSync(path, safeBytes)
    }
  }

  #replay(before: ReadonlyMap<string, number>): ReadonlyMap<string, TracedFile> {
    const files = new Map<string, TracedFile>()
    for (const [path, bytes] of before) files.set(path, { bytes, safeBytes: bytes, isNamed: true, hasFailed: false })
    for (const { name, words, result, isInjected } of this.#calls) {
      const path = pathIn(words)
      const file = files.get(path)
      const isDone = result >= 0 && !isInjected
      if (name === 'fdatasync' || name === 'fsync') {
        if (file === undefined) {
          if (isDone) for (const [one, state] of files) if (one.startsWith(`${path}/`)) state.isNamed = true
        } else if (!isDone) file.hasFailed = true
        else if (!file.hasFailed) file.safeBytes = file.bytes
      } else if (name === 'rename') {
        const [from = '', to = ''] = [...words.matchAll(/"([^"]*)"/g)].map(([, one]) => one)
        const moved = files.get(from)
        // Nobody was told how it ended when the kill came in the middle of it.
        if (moved === undefined || !(isDone || (Number.isNaN(result) && !existsSync(from)))) continue
        files.delete(from)
        // A name that was there before stays: it leads to the old content or to the new.
        files.set(to, { ...moved, isNamed: files.get(to)?.isNamed ?? false })
      } else if (!isDone) continue
      else if (name === 'openat') {
        if (words.includes('O_CREAT') && file === undefined)
          files.set(path, { bytes: 0, safeBytes: 0, isNamed: false, hasFailed: false })
      } else if (/^p?write/.test(name)) {
        if (file !== undefined) file.bytes += result
      } else if (name === 'ftruncate') {
        if (file !== undefined) file.bytes = Number(/, (\d+)$/.exec(words)?.[1])
      } else if (name === 'unlink') files.delete(path)
      if (file !== undefined) file.safeBytes = Math.min(file.safeBytes, file.bytes)
    }
    return files
  }
}

/** The path that a call is about: of its descriptor, or of its name. */
function pathIn(words: string): string {
  return /^\d+<([^>]*)>/.exec(words)?.[1] ?? /"([^"]*)"/.exec(words)?.[1] ?? ''
}

/** The calls in the order of their ends. One that other threads interrupt takes two lines. */
function parse(text: string): SystemCall[] {
  const begun = new Map<string, string>()
  const calls: SystemCall[] = []
  for (const line of text.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const cut = rest.indexOf(' <unfinished ...>')
    if (cut >= 0) {
      begun.set(thread, rest.slice(0, cut))
      continue
    }
    const [, resumed] = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest) ?? []
    const whole = resumed === undefined ? rest : `${begun.get(thread) ?? ''}${resumed}`
    const [, name, words = '', result, more = ''] = /^(\w+)\((.*)\)\s+= (-?\d+|\?)(.*)$/.exec(whole) ?? []
    if (name !== undefined) calls.push({ name, words, result: Number(result), isInjected: more.includes('(INJECTED)') })
  }
  return calls
}
