// SPDX-License-Identifier: Apache-2.0
import { logLevels } from '../base/log.ts'
import type { SettingType } from './setting.ts'

/** What several rows of the table have in common. */

export const port = { kind: 'integer', min: 1, max: 65_535 } as const satisfies SettingType
export const yesNo = { kind: 'boolean' } as const satisfies SettingType
/** The names of Python's logging are accepted, in any case. */
export const logLevel = {
  kind: 'choice',
  choices: logLevels,
  aliases: { critical: 'error', fatal: 'error', warning: 'warn', all: 'trace', notset: 'trace' },
} as const satisfies SettingType
export const relative = 'A relative path starts at the folder of the file that names it.'
