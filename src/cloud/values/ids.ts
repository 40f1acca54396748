import { randomBytes, timingSafeEqual } from 'node:crypto'

/** An id as the cloud makes them: 24 hexadecimal digits. */
export function newId(): string {
  return randomBytes(12).toString('hex')
}

/** A secret nobody can guess: for sessions, files and application tokens. */
export function newSecret(): string {
  return randomBytes(24).toString('hex')
}

/** Compares two secrets without telling by the time it takes where they differ. */
export function sameSecret(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
