// SPDX-License-Identifier: Apache-2.0
import { connectionRows } from './connection-rows.ts'
import { managerRows } from './manager-rows.ts'
import type { Setting } from './setting.ts'

/**
 * The one table of settings. Defaults, checks, types, environment names, `config show`, what a reload changes, and the
 * documents come from it.
 */
export const settingsTable: readonly Setting[] = [...connectionRows, ...managerRows]

/** The rows of one file. */
export function settingsOf(file: Setting['file']): readonly Setting[] {
  return file === 'connect' ? connectionRows : managerRows
}

/** Environment variable of a setting: `cloud.host` → `DEVICE_CLOUD_CLOUD_HOST`. */
export function environmentName(key: string): string {
  return `DEVICE_CLOUD_${key.toUpperCase().replaceAll('.', '_')}`
}
