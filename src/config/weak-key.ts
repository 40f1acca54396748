// SPDX-License-Identifier: Apache-2.0
/** `y` of the points of small order of Ed25519, and their other spellings [RFC 8032 5.1.2]. */
const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])
const signAt = 31

/**
 * Whether a signature for this public key can be made without any private key. 32 zeros, a common placeholder for a key to be
 * filled in later, are such a key.
 *
 * @param raw the 32 bytes of an Ed25519 public key
 */
export function isWeakKey(raw: Uint8Array): boolean {
  const y = Buffer.from(raw)
  y[signAt] = (y[signAt] ?? 0) & 0x7f
  return smallOrder.has(y.toString('hex'))
}
