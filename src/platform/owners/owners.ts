// SPDX-License-Identifier: Apache-2.0
import { chmod, lchown } from 'node:fs/promises'
import { onFile } from '../files/on-file.ts'

/** Gives a file, folder or link to a user; a link is not followed. Throws `FILE_ACCESS` when this process is not root. */
export function changeOwner(path: string, owner: { readonly userId: number; readonly groupId: number }): Promise<void> {
  return onFile('change the owner of', path, () => lchown(path, owner.userId, owner.groupId))
}

/** Sets the permission bits of a file or folder; a link is followed. Throws `FILE_ACCESS`. */
export function changeMode(path: string, mode: number): Promise<void> {
  return onFile('change the mode of', path, () => chmod(path, mode))
}
