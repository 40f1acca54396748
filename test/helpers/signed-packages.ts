// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { AgentError } from '../../src/base/errors.ts'
import { InstalledReleases } from '../../src/manager/ota/installed-releases.ts'
import { openPackage } from '../../src/manager/ota/open-package.ts'
import type { PackageRules } from '../../src/manager/ota/package/check-package.ts'
import { PackageRecord } from '../../src/manager/ota/package/package-record.ts'
import { scanPackage } from '../../src/manager/ota/package/read-package.ts'
import { publicKeyText, signatureText } from '../../src/manager/ota/package/signature.ts'
import { SignedMemory } from '../../src/manager/ota/signed-memory.ts'
import { updatePlaces } from '../../src/manager/ota/state/places.ts'
import type { AgentSlot } from '../../src/manager/ota/trial/agent-slot.ts'
import { ensureFolder } from '../../src/platform/files/folders.ts'
import { type MadeEntry, makeTarGz, makeZip } from './archives.ts'
import { memoryLog } from './memory-log.ts'

export interface TestKey {
  readonly key: KeyObject
  /** As `ota.public_keys` has it. */
  readonly text: string
}

export function testKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return { key: privateKey, text: publicKeyText(publicKey) }
}

/** Writes an archive of these entries under `name`, whose end decides what kind it is. Returns its path. */
export function writeArchive(folder: string, name: string, entries: readonly MadeEntry[]): string {
  const path = join(folder, name)
  writeFileSync(path, name.endsWith('.zip') ? makeZip(entries) : makeTarGz(entries))
  return path
}

/** The entries with an `update.sig` behind the first one, as `ota pack` puts it: signatures for what the archive then holds. */
export async function signEntries(
  folder: string,
  entries: readonly MadeEntry[],
  keys: readonly TestKey[],
  kind: 'zip' | 'tar.gz' = 'zip',
): Promise<MadeEntry[]> {
  const path = writeArchive(folder, `to-sign.${kind}`, entries)
  const { manifest = Buffer.alloc(0), listing = '' } = await scanPackage(path, new AbortController().signal)
  const content = signatureText(
    manifest,
    listing,
    keys.map(({ key }) => key),
  )
  return [...entries.slice(0, 1), { name: 'update.sig', content }, ...entries.slice(1)]
}

/** Writes a signed zip with this `update.json` and these files. Returns its path. */
export async function writeSigned(
  folder: string,
  name: string,
  manifest: object,
  keys: readonly TestKey[],
  files: readonly MadeEntry[] = [],
): Promise<string> {
  const entries = [{ name: 'update.json', content: JSON.stringify({ install: 'true', ...manifest }) }, ...files]
  return writeArchive(folder, name, keys.length === 0 ? entries : await signEntries(folder, entries, keys))
}

/** What a device says to packages, one after the other; its memory is in `runtimeDir`. */
export class PackageDoor {
  readonly places: ReturnType<typeof updatePlaces>
  readonly releases: InstalledReleases
  readonly signed: SignedMemory
  readonly #owner: PackageRules
  readonly #clock: Clock

  constructor(runtimeDir: string, owner: PackageRules, clock: Clock = systemClock) {
    this.places = updatePlaces(runtimeDir)
    this.releases = new InstalledReleases(this.places.releases)
    this.signed = new SignedMemory(this.places.signed)
    this.#owner = owner
    this.#clock = clock
  }

  /** Opens a package as the step `unpack` does. */
  async open(
    path: string,
    more: { readonly deviceId?: string; readonly onWait?: () => void; readonly slot?: AgentSlot } = {},
  ) {
    const { log, text } = memoryLog()
    const { packageFolder: folder, stateFolder, record } = this.places
    await ensureFolder(stateFolder)
    rmSync(folder, { recursive: true, force: true })
    try {
      const manifest = await openPackage(path, folder, {
        owner: this.#owner,
        releases: this.releases,
        signed: this.signed,
        record: new PackageRecord(record),
        deviceId: async () => more.deviceId,
        onWaitForClock: async () => more.onWait?.(),
        facts: () => assert.fail('no compatibility is looked at'),
        slot: more.slot,
        clock: this.#clock,
        log,
        signal: new AbortController().signal,
      })
      return { manifest, folder, log: text() }
    } catch (error) {
      assert.ok(error instanceof AgentError, String(error))
      assert.ok(!existsSync(folder), 'nothing of a refused package is on the disk')
      return { error, folder, log: text() }
    }
  }

  /** It is refused by a rule of the owner, with these words. */
  async refuses(path: string, why: RegExp, more: { readonly deviceId?: string } = {}): Promise<void> {
    const { error } = await this.open(path, more)
    assert.ok(error !== undefined, `a package is taken that must be refused: ${why}`)
    assert.match(error.message, why)
    assert.equal(error.code, 'POLICY_REFUSED')
  }

  async takes(path: string, more: { readonly deviceId?: string } = {}) {
    const { manifest, error, log } = await this.open(path, more)
    assert.equal(error?.message, undefined)
    assert.ok(manifest !== undefined)
    return { manifest, log }
  }
}
