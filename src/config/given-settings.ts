// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { isJsonObject, type JsonObject } from '../base/json.ts'
import type { PlainValue, SettingType } from './setting.ts'
import type { ConnectionRow } from './settings.ts'
import { closestName } from './suggestion.ts'
import { settingsOf } from './table.ts'

type ValueOf<Key extends string> =
  Extract<ConnectionRow, { readonly key: Key }> extends {
    readonly type: infer Type extends SettingType
  }
    ? PlainValue<Type>
    : never

type Keys = ConnectionRow['key']
type SectionOf<Key extends string> = Key extends `${infer Section}.${string}` ? Section : never

/**
 * The settings of the connection file as a program gives them to a client: nested as in the file, `{ cloud: { host: … } }`, or
 * under their full keys, `{ 'cloud.host': … }`. Names, types and choices are those of the table of settings.
 */
export type ClientSettings = {
  readonly [Key in Keys]?: ValueOf<Key> | null | undefined
} & {
  readonly [Section in SectionOf<Keys>]?:
    | {
        readonly [Key in Keys as Key extends `${Section}.${infer Name}` ? Name : never]?:
          | ValueOf<Key>
          | null
          | undefined
      }
    | null
    | undefined
}

/**
 * Refuses a setting that the connection file does not have: a program that gives one believes that it takes effect.
 *
 * @throws AgentError `INVALID_ARGUMENT` naming the setting and a close one, if there is any
 */
export function checkGivenSettings(settings: JsonObject): void {
  const keys = settingsOf('connect').map(({ key }) => key)
  checkSection('', settings, keys)
}

function checkSection(above: string, members: JsonObject, keys: readonly string[]): void {
  for (const [name, value] of Object.entries(members)) {
    const key = `${above}${name}`
    if (value === undefined || keys.includes(key)) continue
    if (!keys.some(known => known.startsWith(`${key}.`))) throw unknownSetting(key, keys)
    if (isJsonObject(value)) checkSection(`${key}.`, value, keys)
  }
}

const maxShown = 128

function unknownSetting(key: string, keys: readonly string[]): AgentError {
  const shown = key.slice(0, maxShown)
  const last = shown.slice(shown.lastIndexOf('.') + 1)
  // "host" outside its section.
  const near = closestName(shown, keys) ?? keys.find(known => known.endsWith(`.${last}`))
  const meant = near === undefined ? '' : ` Did you mean "${near}"?`
  const remedy =
    near === undefined
      ? 'Remove it; share/reference/settings.md has the table of settings.'
      : `Write "${near}", or remove it.`
  return new AgentError('INVALID_ARGUMENT', `The settings given to the client have no "${shown}".${meant}`, {
    remedy,
    details: { call: 'new Client', argument: shown },
  })
}
