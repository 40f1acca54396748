/** What a value may be. Numbers are written as JSON numbers or as numeric text, as the Python agent did. */
export type SettingType =
  | { readonly kind: 'text' }
  /** A host name or address: no scheme, no port, no path. */
  | { readonly kind: 'host' }
  | { readonly kind: 'integer' | 'number'; readonly min: number; readonly max: number }
  | { readonly kind: 'boolean' }
  /** One of `choices`, in any case; `aliases` maps other spellings, in lower case, to a choice. */
  | {
      readonly kind: 'choice'
      readonly choices: readonly string[]
      readonly aliases?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'path' }
  /** `addresses` are `HOST:PORT`, an IPv6 address in brackets; `hosts` are names, addresses or `*.DOMAIN`; `keys` are public keys of update packages. */
  | { readonly kind: ListKind }
  /** `remote_access_support`: checked by its own reader. */
  | { readonly kind: 'services' }

/** The types whose values are lists of texts. */
const listKinds = ['texts', 'paths', 'addresses', 'hosts', 'keys'] as const
export type ListKind = (typeof listKinds)[number]

export function isList(type: SettingType): type is Extract<SettingType, { readonly kind: ListKind }> {
  return listKinds.some(kind => kind === type.kind)
}

/** A checked value. */
export type SettingValue = string | number | boolean | readonly string[]

/** One row of the table of settings: everything the agent and its documents know about a setting. */
export interface Setting {
  /** Name in the file; a dot means a member of a section. */
  readonly key: string
  /** The connection file, or `iot.cfg`. */
  readonly file: 'connect' | 'iot'
  readonly type: SettingType
  readonly default?: SettingValue
  /** The value that permits min: it holds when a mistake closes what the setting decides. A list needs none: `[]`. */
  readonly closed?: SettingValue
  readonly unit?: 'seconds' | 'bytes' | 'MB'
  readonly required?: true
  /** Never shown, logged or quoted in an error. */
  readonly secret?: true
  /** Empty text and null are mistakes: what holds when it is absent may be the opposite of what its owner wants. */
  readonly neverEmpty?: true
  /** Accepted and without effect; the sentence says why. */
  readonly ignored?: true
  readonly sentence: string
}
