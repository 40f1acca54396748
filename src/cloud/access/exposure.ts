// SPDX-License-Identifier: Apache-2.0
/** Whether other machines can reach an address, and which secrets are too weak for that. */
import { isIPv4 } from 'node:net'

/** Guessed first by every attacker. */
const knownSecrets = new Set([
  'admin',
  'administrator',
  'changeme',
  'default',
  'demo',
  'device',
  'operator',
  'password',
  'root',
])
const minChars = 8

/** Whether a name, or an address without brackets, always means this machine [RFC 6761 6.3]. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
  )
}

/** Why a secret is too weak where other machines can reach the cloud, as the end of a sentence; undefined when it is not. */
export function weaknessOf(secret: string, user: string): string | undefined {
  const lower = secret.toLowerCase()
  if (knownSecrets.has(lower) || lower === user.toLowerCase()) return 'is widely known'
  if (secret.length < minChars) return `is shorter than ${minChars} characters`
  return undefined
}
