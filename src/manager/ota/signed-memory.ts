// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, parseJson } from '../../base/json.ts'
import { replaceFile } from '../../platform/files/write-file.ts'
import { damagedState, readStateText } from './state/index.ts'

const maxBytes = 256 * 1024
const maxNames = 1000
const maxRevoked = 256
const maxNameCharacters = 256

/** What the signed packages of this device have left. */
export interface SignedState {
  /** Names of the signed packages that were installed. */
  readonly names: readonly string[]
  /** Ids of the keys that they have revoked. */
  readonly revoked: readonly string[]
}

/**
 * The names of the signed packages that were installed, and the keys that they revoked. A file that cannot be read is an error
 * and never counts as empty; a file that was removed looks like one that never existed.
 */
export class SignedMemory {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Throws UpdateError `POLICY_REFUSED` when it cannot be read. */
  async read(): Promise<SignedState> {
    const text = await readStateText(this.#path, maxBytes, remedy)
    if (text === undefined) return { names: [], revoked: [] }
    const value = parseJson(text)
    const names = isJsonObject(value) ? textsOf(value.names, maxNames, isName) : undefined
    const revoked = isJsonObject(value) ? textsOf(value.revoked, maxRevoked, isKeyId) : undefined
    if (names === undefined || revoked === undefined) throw damagedState(this.#path, 'it is damaged', remedy)
    return { names, revoked }
  }

  /** Whether {@link remember} has room for these. */
  async fits(name: string | undefined, revoked: readonly string[]): Promise<boolean> {
    const next = joined(await this.read(), name, revoked)
    const { names, revoked: keys } = next
    return names.length <= maxNames && keys.length <= maxRevoked && Buffer.byteLength(textOf(next)) <= maxBytes
  }

  /** On flash when it resolves; writes nothing when all of it is known. */
  async remember(name: string | undefined, revoked: readonly string[]): Promise<void> {
    const known = await this.read()
    const next = joined(known, name, revoked)
    if (next.names.length === known.names.length && next.revoked.length === known.revoked.length) return
    await replaceFile(this.#path, textOf(next))
  }
}

const remedy =
  'Put back a copy; or take the keys that packages have revoked out of ota.public_keys, and remove the file.'

function joined({ names, revoked }: SignedState, name: string | undefined, more: readonly string[]): SignedState {
  return {
    names: [...new Set([...names, ...(name === undefined ? [] : [name])])],
    revoked: [...new Set([...revoked, ...more])],
  }
}

function textOf(state: SignedState): string {
  return `${JSON.stringify(state)}\n`
}

function textsOf(value: Json | undefined, most: number, fits: (text: string) => boolean): string[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined
  const texts = value.flatMap((one: Json) => (typeof one === 'string' && fits(one) ? [one] : []))
  return texts.length === value.length ? texts : undefined
}

function isName(text: string): boolean {
  return text !== '' && text.length <= maxNameCharacters
}

function isKeyId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text)
}
