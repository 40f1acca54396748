// SPDX-License-Identifier: Apache-2.0
import { randomBytes, timingSafeEqual } from 'node:crypto'

/** A new id: 24 hexadecimal digits. */
export function newId(): string {
  return randomBytes(12).toString('hex')
}

/** A new secret that cannot be guessed, for sessions, files and application tokens: 48 hexadecimal digits. */
export function newSecret(): string {
  return randomBytes(24).toString('hex')
}

/** Compares two secrets in constant time. */
export function sameSecret(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
