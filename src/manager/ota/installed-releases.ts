// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, parseJson } from '../../base/json.ts'
import { replaceFile } from '../../platform/files/write-file.ts'
import { damagedState, readStateText } from './state/index.ts'

const maxBytes = 256 * 1024
/** Most names with a release. A package with one more is refused: to forget a name would open it to older packages. */
const maxNames = 1000

/**
 * The highest release that was installed of each package name: an older one is refused. A file that cannot be read is an
 * error and never counts as empty; a file that was removed looks like one that never existed.
 */
export class InstalledReleases {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Throws UpdateError `POLICY_REFUSED` when it cannot be read: then no package may claim to be new enough. */
  async of(name: string): Promise<number | undefined> {
    return (await this.#read()).get(name)
  }

  /** Whether {@link remember} has room for this one. Throws as {@link of}. */
  async fits(name: string, release: number): Promise<boolean> {
    const known = (await this.#read()).set(name, release)
    return known.size <= maxNames && Buffer.byteLength(textOf(known)) <= maxBytes
  }

  /** On flash when it resolves; writes nothing when it is known. Throws as {@link of}. */
  async remember(name: string, release: number): Promise<void> {
    const known = await this.#read()
    const before = known.get(name)
    if (before !== undefined && before >= release) return
    // The latest name comes last.
    known.delete(name)
    known.set(name, release)
    await replaceFile(this.#path, textOf(known))
  }

  async #read(): Promise<Map<string, number>> {
    const text = await readStateText(this.#path, maxBytes, remedy)
    if (text === undefined) return new Map()
    const value = parseJson(text)
    if (!isJsonObject(value)) throw damagedState(this.#path, 'it is damaged', remedy)
    const releases = new Map<string, number>()
    for (const [name, release] of Object.entries(value)) {
      if (typeof release !== 'number' || !Number.isSafeInteger(release) || release < 0)
        throw damagedState(this.#path, `the release of ${JSON.stringify(name.slice(0, 80))} in it is damaged`, remedy)
      releases.set(name, release)
    }
    return releases
  }
}

function textOf(releases: ReadonlyMap<string, number>): string {
  return `${JSON.stringify(Object.fromEntries(releases))}\n`
}

const remedy =
  'Put back a copy, or remove the file when you know what is installed: the next package is then the first one for this device.'
