import { AgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../base/json.ts'
import { readBoundedText } from '../../platform/read-file.ts'
import { replaceFile } from '../../platform/write-file.ts'

const mostBytes = 256 * 1024
const mostNames = 1000

/** The highest release that was installed of each package name: an older one is refused. */
export class InstalledReleases {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Throws `FILE_ACCESS` when it cannot be read: then no package may claim to be new enough. */
  async of(name: string): Promise<number | undefined> {
    const release = (await this.#read())[name]
    return typeof release === 'number' ? release : undefined
  }

  /** On flash when it resolves; writes nothing when it is known. */
  async remember(name: string, release: number): Promise<void> {
    const known = await this.#read()
    const before = known[name]
    if (typeof before === 'number' && before >= release) return
    const { [name]: _, ...others } = known
    const kept = Object.fromEntries(Object.entries(others).slice(1 - mostNames))
    await replaceFile(this.#path, `${JSON.stringify({ ...kept, [name]: release })}\n`)
  }

  async #read(): Promise<JsonObject> {
    try {
      const value = parseJson(await readBoundedText(this.#path, mostBytes))
      return isJsonObject(value) ? value : {}
    } catch (error) {
      if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return {}
      throw error
    }
  }
}
