import type { Setting, SettingValue } from './setting.ts'
import type { Origin } from './settings.ts'
import type { Values } from './values.ts'

/** A setting as it is in effect, fit to be shown: the value of a secret is not in here. */
export interface EffectiveSetting {
  readonly key: string
  readonly file: Setting['file']
  /** Absent when the setting has no value. */
  readonly value?: SettingValue
  readonly secret: boolean
  readonly origin?: Origin
}

export const hiddenValue = '[hidden]'

/** These rows of the table as they are in effect, without those that have no effect. */
export function effectiveSettings(settings: readonly Setting[], values: Values): readonly EffectiveSetting[] {
  return settings
    .filter(setting => !setting.ignored && setting.type.kind !== 'services')
    .map(({ key, file, secret }) => {
      const value = values.get(key)
      const origin = values.origins.get(key)
      return {
        key,
        file,
        ...(value === undefined ? {} : { value: secret ? hiddenValue : value }),
        secret: secret === true,
        ...(origin === undefined ? {} : { origin }),
      }
    })
}
