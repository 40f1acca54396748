// SPDX-License-Identifier: Apache-2.0
/** Applies the byte changes that a target's pinned Node binary needs. */
import { BuildError } from '../build-error.ts'
import type { Target } from '../target.ts'

export type Patch = Target['node']['patches'][number]

/** `file` with `patches` applied. Throws a {@link BuildError} when the bytes to be replaced are not the expected ones. */
export function applyPatches(file: Uint8Array, patches: readonly Patch[]): Uint8Array {
  if (patches.length === 0) return file
  const patched = Buffer.from(file)
  for (const { at, expect, replace } of patches) {
    const [place, expected, replacement] = [Number(at), Buffer.from(expect, 'hex'), Buffer.from(replace, 'hex')]
    if (expected.length !== replacement.length) throw new BuildError(`The patch at ${at} changes the size.`)
    const found = patched.subarray(place, place + expected.length)
    if (!found.equals(expected))
      throw new BuildError(`The patch at ${at} expects ${expect}, but the file has ${found.toString('hex')}.`)
    replacement.copy(patched, place)
  }
  return patched
}
