// SPDX-License-Identifier: Apache-2.0
import { AgentError, withoutStop } from '../../../base/errors.ts'
import { readBoundedText } from '../../../platform/files/read-file.ts'
import { Status } from '../../../protocol/status.ts'
import { UpdateError } from '../package/index.ts'

/**
 * The text of a file that decides which packages may come; undefined when there is none. While one
 * cannot be read, every package is refused.
 *
 * @param remedy what the owner of the device does about it
 * @throws UpdateError `POLICY_REFUSED`
 */
export async function readStateText(path: string, maxBytes: number, remedy: string): Promise<string | undefined> {
  try {
    return await readBoundedText(path, maxBytes)
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    if (error.code === 'FILE_NOT_FOUND') return undefined
    throw damagedState(path, withoutStop(error.message), remedy, error)
  }
}

/** The error for such a file with wrong content. */
export function damagedState(path: string, problem: string, remedy: string, cause?: unknown): UpdateError {
  const message = `The package is refused: ${path} says which packages may come, and ${problem}. ${remedy}`
  return new UpdateError('POLICY_REFUSED', Status.NoPermission, message, { details: { path }, cause })
}
