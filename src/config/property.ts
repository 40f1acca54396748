// SPDX-License-Identifier: Apache-2.0
import type { Setting } from './setting.ts'

/** How a unit is written at the end of a property. A name that counts bytes says so by itself. */
const unitSuffixes = { seconds: 'S', bytes: '', MB: 'Mb' } as const satisfies Record<
  NonNullable<Setting['unit']>,
  string
>

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name

type SuffixOf<Row> = Row extends { readonly unit: infer Unit extends keyof typeof unitSuffixes }
  ? (typeof unitSuffixes)[Unit]
  : ''

/** {@link propertyOf} of a row, as a type. */
export type PropertyOf<Row> = Row extends { readonly property: infer Property extends string }
  ? Property
  : Row extends { readonly key: infer Key extends string }
    ? `${Camel<Key>}${SuffixOf<Row>}`
    : never

/** Where the settings of the program have a setting: `remote_access.idle_timeout`, in seconds → `remoteAccess.idleTimeoutS`. */
export function propertyOf({ key, property, unit }: Pick<Setting, 'key' | 'property' | 'unit'>): string {
  if (property !== undefined) return property
  const camel = key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())
  return unit === undefined ? camel : `${camel}${unitSuffixes[unit]}`
}

type Section = Readonly<Record<string, unknown>>

/** The section and the name in it. Only the first dot counts: the switch of an added action may have more of them. */
function pathOf(setting: Setting): readonly [section: string | undefined, name: string] {
  const property = propertyOf(setting)
  const dot = property.indexOf('.')
  return dot < 0 ? [undefined, property] : [property.slice(0, dot), property.slice(dot + 1)]
}

/** The value that the settings of the program have for a row; undefined when they have none. */
export function valueIn(settings: object, setting: Setting): unknown {
  const [section, name] = pathOf(setting)
  return memberOf(section === undefined ? settings : memberOf(settings, section), name)
}

/** These settings with another value for a row; undefined takes it out, and its section with the last of its members. */
export function withValue(settings: object, setting: Setting, value: unknown): object {
  const [section, name] = pathOf(setting)
  if (section === undefined) return withMember(settings, name, value)
  const before = memberOf(settings, section)
  const members = withMember(isSection(before) ? before : {}, name, value)
  return withMember(settings, section, Object.keys(members).length === 0 ? undefined : members)
}

function memberOf(object: unknown, name: string): unknown {
  return isSection(object) && Object.hasOwn(object, name) ? object[name] : undefined
}

function withMember(object: object, name: string, value: unknown): object {
  const others = Object.entries(object).filter(([other]) => other !== name)
  return Object.fromEntries(value === undefined ? others : [...others, [name, value]])
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null
}
