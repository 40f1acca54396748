// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import type { RootMemory } from '../connection/tls/known-roots.ts'
import type { StoreFolder } from '../platform/store/store-folder.ts'

const fileName = 'roots'
const maxBytes = 4096
const fingerprint = /^[0-9a-f]{64}$/

/** Remembers root certificates in the state folder, one line each; written when the cloud presents a new one, which is seldom. */
export function rootMemory(folder: StoreFolder): RootMemory {
  return {
    async load() {
      const bytes = await folder.read(fileName, 0, maxBytes).catch(error => {
        if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return new Uint8Array()
        throw error
      })
      return Buffer.from(bytes)
        .toString('latin1')
        .split('\n')
        .filter(line => fingerprint.test(line))
    },
    async save(fingerprints) {
      await folder.prepare()
      await folder.replace(fileName, Buffer.from(`${fingerprints.join('\n')}\n`), 'trust')
    },
  }
}
