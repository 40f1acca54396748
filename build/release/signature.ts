// SPDX-License-Identifier: Apache-2.0
/** The detached signature of SHA256SUMS, with a key of the caller. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { BuildError } from '../build-error.ts'

export interface Signature {
  /** 64 bytes, as `openssl pkeyutl -verify -rawin` takes them. */
  readonly bytes: Uint8Array
  readonly publicKey: string
}

/** Signs `data` with the Ed25519 private key in the PEM file `keyFile`. */
export function signatureOf(data: Uint8Array, keyFile: string): Signature {
  const key = readKey(keyFile)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  return { bytes: sign(null, data, key), publicKey }
}

function readKey(keyFile: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey(readFileSync(keyFile))
  } catch (error) {
    // The message of OpenSSL contains nothing of the key.
    throw new BuildError(
      `--sign ${keyFile} is not a private key in PEM without a passphrase: ${error instanceof Error ? error.message : error}`,
    )
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new BuildError(
      `--sign ${keyFile} is a key for ${key.asymmetricKeyType}, not ed25519. Make one with: openssl genpkey -algorithm ed25519`,
    )
  return key
}
