// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addPrivate, readPrivate } from '../data-folder/data-folder.ts'

/** In the data folder, with mode 0600. */
export const passwordFile = 'operator-password'
/** No two look alike, for a person who reads the password from one screen and types it elsewhere. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
const groups = 4
const lettersPerGroup = 5
const maxFileBytes = 4096

/** The password in the data folder; made at the first start. */
export async function storedPassword(dataDir: string): Promise<string> {
  const path = join(dataDir, passwordFile)
  for (let tries = 0; tries < 3; tries++) {
    const stored = (await readPrivate(path, maxFileBytes))?.trim()
    if (stored !== undefined && /^[\x21-\x7e]{12,128}$/.test(stored)) return stored
    // A file that is no valid password, or that other users could have read or written, is replaced.
    if (tries > 0 || stored !== undefined) await rm(path, { force: true })
    const made = makePassword()
    if (await addPrivate(dataDir, passwordFile, `${made}\n`)) return made
  }
  throw new Error(`${path} cannot be written, because another process keeps writing it.`)
}

/** 99 random bits. */
function makePassword(): string {
  const group = () => Array.from({ length: lettersPerGroup }, () => letters[randomInt(letters.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}
