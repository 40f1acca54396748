/** Who can reach an address, and which secrets will do there. */
import { isIPv4 } from 'node:net'

/** What everybody tries first. */
const known = new Set([
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

/** Whether the name or address, without brackets, always means this machine [RFC 6761 6.3]. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
  )
}

/** Why a secret will not do where others can reach the cloud; undefined when it will. */
export function weaknessOf(secret: string, user: string): string | undefined {
  const lower = secret.toLowerCase()
  if (known.has(lower) || lower === user.toLowerCase()) return 'is known to everybody'
  if (secret.length < minChars) return `is shorter than ${minChars} characters`
  return undefined
}
