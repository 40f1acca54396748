import { randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { addPrivate, readPrivate } from '../data-folder/data-folder.ts'

/** In the data folder, mode 0600. */
export const passwordFile = 'operator-password'
/** Nothing that is mistaken for something else when a person reads it from one screen and types it elsewhere. */
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
const groups = 4
const lettersPerGroup = 5
const maxFileBytes = 4096

/** The password that was made at the first start with this data folder; one is made if there is none. */
export async function keptPassword(dataDir: string): Promise<string> {
  const path = join(dataDir, passwordFile)
  for (let tries = 0; tries < 3; tries++) {
    const kept = (await readPrivate(path, maxFileBytes))?.trim()
    if (kept !== undefined && /^[\x21-\x7e]{12,128}$/.test(kept)) return kept
    // What others could have read or written is no secret.
    if (tries > 0 || kept !== undefined) await rm(path, { force: true })
    const made = makePassword()
    if (await addPrivate(dataDir, passwordFile, `${made}\n`)) return made
  }
  throw new Error(`${path} cannot be made: another process keeps writing there`)
}

/** 99 bits of chance. */
function makePassword(): string {
  const group = () => Array.from({ length: lettersPerGroup }, () => letters[randomInt(letters.length)]).join('')
  return Array.from({ length: groups }, group).join('-')
}
