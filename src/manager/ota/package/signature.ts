// SPDX-License-Identifier: Apache-2.0
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isWeakKey } from '../../../config/weak-key.ts'
import { Status } from '../../../protocol/status.ts'
import { UpdateError } from './update-error.ts'

/** The largest `update.sig`. */
export const maxSignatureBytes = 16 * 1024

const prefix = 'ed25519:'
const keyBytes = 32
/** Lines of `update.sig` that are looked at. */
const maxLines = 64
/** Agents before the second form look at half as many. */
export const maxSigningKeys = maxLines / 2
/** Prefix of the signed bytes, so that a signature for a package is valid for nothing else. */
const manifestDomain = 'device-cloud update package 1\n'
const wholeDomain = 'device-cloud update package 2\n'

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
  const raw = rawOfText(text)
  if (raw === undefined) {
    const shown = JSON.stringify(text.slice(0, 80))
    const message = `ota.public_keys: ${shown} is not ${prefix} and ${keyBytes} bytes in base64, as "device-cloud ota keygen" prints it.`
    throw new UpdateError('POLICY_REFUSED', Status.NoPermission, message)
  }
  if (isWeakKey(raw)) {
    const message = `ota.public_keys: ${JSON.stringify(text)} is a key that anybody can sign for. Write the key that "device-cloud ota keygen" prints.`
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
    // Without the message of the library, which would quote from the key.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new UpdateError('PACKAGE_INVALID', Status.BadParameter, 'The key file holds no Ed25519 private key in PEM.')
}

/**
 * The content of `update.sig`: for each key a line of the first form, `ed25519 KEY-ID SIGNATURE`, which covers `update.json`
 * alone and is what agents before the second form know; then for each a line of the second, `ed25519-2 KEY-ID SIGNATURE`,
 * which covers the listing of the whole package.
 */
export function signatureText(manifest: Uint8Array, listing: string, keys: readonly KeyObject[]): string {
  const first = keys.map(key => line('ed25519', manifestSigned(manifest), key))
  const second = keys.map(key => line('ed25519-2', wholeSigned(listing), key))
  return [...first, ...second].join('')
}

/** The ids of the keys with a valid signature of a package. */
export interface Signers {
  /** Of the second form: of all that is in it. */
  readonly whole: readonly string[]
  /** Of the first form: of `update.json` and, by its `files`, of the content of files. */
  readonly manifest: readonly string[]
  /** Keys with a signature of the second form that is wrong, and none that is right. */
  readonly wrong: readonly string[]
}

/**
 * The keys that have signed a package.
 *
 * @param text content of `update.sig`; lines of other forms are ignored
 * @param listing absent when it is too large to be signed
 */
export function signersOf(
  text: string,
  { manifest, listing }: { readonly manifest: Uint8Array; readonly listing?: string | undefined },
  keys: readonly PublicKey[],
): Signers {
  const [whole, first, tried] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const signed = { first: manifestSigned(manifest), whole: listing === undefined ? undefined : wholeSigned(listing) }
  for (const line of text.split('\n').slice(0, maxLines)) {
    const [, form, id, encoded] = /^(ed25519|ed25519-2) ([0-9a-f]{16}) ([A-Za-z0-9+/=]+)\s*$/.exec(line) ?? []
    const key = keys.find(one => one.id === id)
    if (key === undefined || encoded === undefined) continue
    const isWhole = form === 'ed25519-2'
    if (isWhole) tried.add(key.id)
    const bytes = isWhole ? signed.whole : signed.first
    const right = isWhole ? whole : first
    if (bytes === undefined || right.has(key.id)) continue
    if (verify(null, bytes, key.key, Buffer.from(encoded, 'base64'))) right.add(key.id)
  }
  return { whole: [...whole], manifest: [...first], wrong: [...tried].filter(id => !whole.has(id)) }
}

/** The ids that `update.sig` names, whether their signatures are right or not. */
export function namedSigners(text: string): ReadonlySet<string> {
  const lines = text.split('\n').slice(0, maxLines)
  return new Set(lines.flatMap(line => /^ed25519(?:-2)? ([0-9a-f]{16}) /.exec(line)?.[1] ?? []))
}

/** The id of a key that is given as `ota.public_keys` has it, or as its id; undefined when it is neither. */
export function keyIdOf(text: string): string | undefined {
  if (/^[0-9a-f]{16}$/.test(text)) return text
  const raw = rawOfText(text)
  return raw === undefined ? undefined : idOf(raw)
}

function line(form: string, bytes: Uint8Array, key: KeyObject): string {
  return `${form} ${idOf(rawOf(createPublicKey(key)))} ${sign(null, bytes, key).toString('base64')}\n`
}

function manifestSigned(manifest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(manifestDomain), manifest])
}

function wholeSigned(listing: string): Buffer {
  return Buffer.from(`${wholeDomain}${listing}`)
}

function rawOfText(text: string): Buffer | undefined {
  const raw = text.startsWith(prefix) ? Buffer.from(text.slice(prefix.length), 'base64') : undefined
  return raw?.length === keyBytes ? raw : undefined
}

function rawOf(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

function idOf(raw: Uint8Array): string {
  return createHash('sha256').update(raw).digest('hex').slice(0, 16)
}
