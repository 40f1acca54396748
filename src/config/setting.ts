// SPDX-License-Identifier: Apache-2.0
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

/** The type of a value in a program, by the type of its setting. */
export type PlainValue<Type extends SettingType> = Type extends { readonly kind: 'integer' | 'number' }
  ? number
  : Type extends { readonly kind: 'boolean' }
    ? boolean
    : Type extends { readonly kind: 'choice'; readonly choices: readonly (infer Choice)[] }
      ? Choice
      : Type extends { readonly kind: ListKind }
        ? readonly string[]
        : string

/** A checked value. */
export type SettingValue = string | number | boolean | readonly string[]

/** What a value must be like, and whether it may be shown. */
export interface ValueRule {
  readonly type: SettingType
  /** Never shown, logged or quoted in an error. */
  readonly secret?: true
}

interface SettingFacts extends ValueRule {
  /** Name in the file; a dot means a member of a section. */
  readonly key: string
  /** Dotted path in the settings of the program, where it does not follow from the key and the unit (see `propertyOf`). */
  readonly property?: string
  /** The connection file, or `iot.cfg`. */
  readonly file: 'connect' | 'iot'
  /** A relative path as a default starts at the folder of the configuration. */
  readonly default?: SettingValue
  /** The value that permits least: it holds when a mistake closes what the setting decides. A list needs none: `[]`. */
  readonly closed?: SettingValue
  readonly unit?: 'seconds' | 'bytes' | 'MB'
  readonly required?: true
  /** Required as soon as another setting of its section is given; without any of them the section is absent. */
  readonly requiredInSection?: true
  /** Always has a value without being required: another setting implies one, or the setting has its own reader. */
  readonly filled?: true
  /** What holds when it is absent and the client uses no network. */
  readonly offline?: SettingValue
  /** The text that means "absent". */
  readonly absent?: string
  /** Empty text and null are mistakes: what holds when it is absent may be the opposite of what the owner wants. */
  readonly neverEmpty?: true
  /** What it means, as a sentence of the documents. */
  readonly sentence: string
}

/** One row of the table of settings: everything the agent and its documents know about a setting. */
export type Setting = SettingFacts &
  (
    | {
        /** Whether a new value takes effect when a running manager reads its files again, or only when it starts. */
        readonly reload: 'live' | 'restart'
        readonly ignored?: never
      }
    | {
        /** Accepted and without effect; the sentence says why. */
        readonly ignored: true
        readonly reload?: never
      }
  )
