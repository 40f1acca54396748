// SPDX-License-Identifier: Apache-2.0
import { valueIn, withValue } from './property.ts'
import type { Setting } from './setting.ts'
import type { SettingsByFile } from './settings.ts'
import { settingsOf } from './table.ts'

/**
 * The settings of one file as the program works with them, each in its property.
 *
 * @param valueFor the checked value of a row; undefined where it has none
 * @param added rows beside those of the table: the switches of added actions
 */
export function assembleSettings<File extends Setting['file']>(
  file: File,
  valueFor: (setting: Setting) => unknown,
  added: readonly Setting[] = [],
): SettingsByFile[File] {
  let settings: object = {}
  for (const setting of [...settingsOf(file), ...added]) {
    const value = valueFor(setting)
    if (!setting.ignored && value !== setting.absent) settings = withValue(settings, setting, value)
  }
  return typed(settings)
}

/** The keys whose new value takes effect only after a restart. */
export function waitingForRestart<File extends Setting['file']>(
  file: File,
  before: SettingsByFile[File],
  after: SettingsByFile[File],
): readonly string[] {
  return restartRows(file)
    .filter(row => JSON.stringify(valueIn(before, row)) !== JSON.stringify(valueIn(after, row)))
    .map(({ key }) => key)
}

/** What holds after a reload: `after`, with the values of `before` where a new one waits for a restart. */
export function withoutRestart<File extends Setting['file']>(
  file: File,
  before: SettingsByFile[File],
  after: SettingsByFile[File],
): SettingsByFile[File] {
  let settings: object = after
  for (const row of restartRows(file)) settings = withValue(settings, row, valueIn(before, row))
  return typed(settings)
}

function restartRows(file: Setting['file']): readonly Setting[] {
  return settingsOf(file).filter(({ reload }) => reload === 'restart')
}

/** The one place where a type is claimed: the types of the settings are made of the same rows as these values. */
function typed<File extends Setting['file']>(settings: object): SettingsByFile[File] {
  return settings as SettingsByFile[File]
}
