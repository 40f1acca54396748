// SPDX-License-Identifier: Apache-2.0
import type { ConfigNote, Origin } from '../../config/settings.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'

const key = 'file_transfer.allow'

/**
 * Warnings about entries of `file_transfer.allow` that do not exist: misspelt, written for a shell, or on a disk that is not
 * mounted. They permit nothing, and an operator would only read that the path is not allowed.
 *
 * @param allow absolute paths
 */
export async function missingAllowedFolders(
  allow: readonly string[],
  origin: Origin | undefined,
): Promise<readonly ConfigNote[]> {
  const place = origin?.source === 'file' ? { file: origin.file, line: origin.line } : {}
  const notes: ConfigNote[] = []
  for (const path of allow) {
    const facts = await fileFacts(path).catch(() => undefined)
    if (facts !== undefined) continue
    const isShell = /[*?]|(?:^|\/)~/.test(path)
    const remedy = isShell
      ? 'Name the folder itself by its absolute path: "~", "*" and "?" have no special meaning here.'
      : 'Correct its name, or make the folder and reload the configuration of the device manager.'
    notes.push({ level: 'warn', ...place, key, problem: `names ${path}, which does not exist`, remedy })
  }
  return notes
}
