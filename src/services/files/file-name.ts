// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { isText, shownName } from '../../platform/files/name-bytes.ts'
import { fileLimits } from './limits.ts'

/** Throws `INVALID_ARGUMENT` unless `name` can name a file in the cloud. */
export function checkCloudName(name: string): void {
  if (typeof name !== 'string' || name === '') throw wrong(name, 'must be a text that is not empty')
  if (name.length > fileLimits.nameLength) throw wrong(name, `must have at most ${fileLimits.nameLength} characters`)
  if (!isText(name)) throw wrong(name, 'must be UTF-8')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(name)) throw wrong(name, 'must not contain control characters')
}

/** Throws `INVALID_ARGUMENT` unless `name` may become the name of a file in a folder, without leaving it. */
export function checkPlainName(name: string): void {
  if (name === '.' || name === '..' || /[/\\]/.test(name)) {
    throw wrong(name, 'is not a plain file name, so give the path of a file as the destination, not a folder')
  }
}

function wrong(name: unknown, why: string): AgentError {
  const shown = typeof name === 'string' ? `"${shownName(name, 80)}"` : JSON.stringify(name)?.slice(0, 80)
  return new AgentError('INVALID_ARGUMENT', `The name of a file in the cloud (${shown}) ${why}.`, { details: { name } })
}
