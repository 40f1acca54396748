// SPDX-License-Identifier: Apache-2.0
import type { Setting, SettingValue } from './setting.ts'
import type { Origin } from './settings.ts'
import type { Values } from './values.ts'

/** A setting as it is in effect, to be shown: never holds the value of a secret. */
export interface EffectiveSetting {
  readonly key: string
  readonly file: Setting['file']
  /** Absent when the setting has no value. */
  readonly value?: SettingValue | undefined
  readonly secret: boolean
  readonly origin?: Origin | undefined
}

const hiddenValue = '[hidden]'

/** The rows as they are in effect, without the ignored ones. */
export function effectiveSettings(settings: readonly Setting[], values: Values): readonly EffectiveSetting[] {
  return settings
    .filter(setting => !setting.ignored && setting.type.kind !== 'services')
    .map(({ key, file, secret }) => {
      const value = values.get(key)
      return {
        key,
        file,
        value: secret && value !== undefined ? hiddenValue : value,
        secret: secret === true,
        origin: values.origins.get(key),
      }
    })
}
