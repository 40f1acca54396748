// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { ConfigNote } from './settings.ts'

type NoteLog = { readonly [Level in ConfigNote['level']]: (message: string, fields: JsonObject) => void }

/** Logs notes about the configuration, each at its level. */
export function logNotes(log: NoteLog, notes: readonly ConfigNote[]): void {
  for (const { level, file, line, key, problem, remedy, didYouMean } of notes)
    log[level](problem, { file, line, key, remedy, didYouMean })
}
