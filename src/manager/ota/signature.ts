import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { Status } from '../../protocol/status.ts'
import { UpdateError } from './update-error.ts'

/** The detached signatures of a package, beside `update.json`. */
export const signatureName = 'update.sig'
export const mostSignatureBytes = 16 * 1024

const prefix = 'ed25519:'
const keyBytes = 32
const mostSignatures = 32
/** Goes before what is signed, so that a signature for a package is good for nothing else. */
const domain = 'device-cloud update package 1\n'

/** A public key that packages may be signed with. */
export interface PublicKey {
  /** The first 16 hexadecimal digits of its SHA-256. */
  readonly id: string
  readonly key: KeyObject
}

/**
 * Reads a key as `ota.public_keys` holds it: `ed25519:` and 32 bytes in base64.
 *
 * @throws UpdateError `POLICY_REFUSED`
 */
export function parsePublicKey(text: string): PublicKey {
  const raw = text.startsWith(prefix) ? Buffer.from(text.slice(prefix.length), 'base64') : Buffer.alloc(0)
  if (raw.length !== keyBytes) {
    const shown = JSON.stringify(text.slice(0, 80))
    const message = `ota.public_keys: ${shown} is not ${prefix} and ${keyBytes} bytes in base64, as "device-cloud ota keygen" prints it`
    throw new UpdateError('POLICY_REFUSED', Status.NoPermission, message)
  }
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
  return { id: idOf(raw), key }
}

/** A public key as text for `ota.public_keys`. */
export function publicKeyText(key: KeyObject): string {
  return `${prefix}${rawOf(key).toString('base64')}`
}

/**
 * Reads a private key in PEM.
 *
 * @throws UpdateError `PACKAGE_INVALID` when it is none for Ed25519
 */
export function parsePrivateKey(pem: string): KeyObject {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // What the library says would quote from the key.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new UpdateError('PACKAGE_INVALID', Status.BadParameter, 'the key file holds no Ed25519 private key in PEM')
}

/** One line of `update.sig` for these bytes of `update.json`. */
export function signatureLine(manifest: Uint8Array, key: KeyObject): string {
  const id = idOf(rawOf(createPublicKey(key)))
  return `ed25519 ${id} ${sign(null, signed(manifest), key).toString('base64')}\n`
}

/**
 * The id of the key that signed these bytes of `update.json`; undefined when none of `keys` did.
 *
 * @param text content of `update.sig`: one line for each signature, so that keys can change
 */
export function signerOf(manifest: Uint8Array, text: string, keys: readonly PublicKey[]): string | undefined {
  for (const line of text.split('\n').slice(0, mostSignatures)) {
    const [, id, encoded] = /^ed25519 ([0-9a-f]{16}) ([A-Za-z0-9+/=]+)\s*$/.exec(line) ?? []
    const key = keys.find(one => one.id === id)
    if (key === undefined || encoded === undefined) continue
    if (verify(null, signed(manifest), key.key, Buffer.from(encoded, 'base64'))) return key.id
  }
  return undefined
}

function signed(manifest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(domain), manifest])
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

function idOf(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('hex').slice(0, 16)
}
