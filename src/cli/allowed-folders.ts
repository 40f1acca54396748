import type { ConfigNote, Origin } from '../config/settings.ts'
import { fileFacts } from '../platform/files/file-facts.ts'

const key = 'file_transfer.allow'

/**
 * Entries of `file_transfer.allow` that lead nowhere now: misspelt, written as a shell would read them, or on a disk that is not
 * mounted. They open nothing, and an operator would be told that the path is not allowed.
 *
 * @param allow absolute paths
 */
export async function foldersThatLeadNowhere(
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
      ? 'Name the folder itself by its absolute path: "~", "*" and "?" stand for nothing else here.'
      : 'Correct its name, or make it and let the device manager read its configuration again.'
    notes.push({ level: 'warn', ...place, key, problem: `names ${path}, which does not exist`, remedy })
  }
  return notes
}
