// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { packFolder } from '../../src/manager/ota/package/pack.ts'
import type { MadeEntry } from './archives.ts'
import { connectedScene } from './client-scene.ts'
import type { LocalCloud } from './local-cloud.ts'
import { signEntries, type TestKey, writeArchive } from './signed-packages.ts'
import { tempDir } from './temp-dir.ts'

/** Writes a package with this `update.json`; its name decides what kind it is. Returns its path. */
export function writePackage(folder: string, name: string, manifest: object, files: readonly MadeEntry[] = []): string {
  return writeArchive(folder, name, [{ name: 'update.json', content: JSON.stringify(manifest) }, ...files])
}

/** The same, signed. */
export async function writeSignedPackage(
  folder: string,
  name: string,
  manifest: object,
  keys: readonly TestKey[],
): Promise<string> {
  const kind = name.endsWith('.zip') ? 'zip' : 'tar.gz'
  const entries = await signEntries(folder, [{ name: 'update.json', content: JSON.stringify(manifest) }], keys, kind)
  return writeArchive(folder, name, entries)
}

/** Puts packages into the store of the organisation. */
export async function offerPackages(
  t: TestContext,
  cloud: LocalCloud,
  packages: readonly {
    name: string
    manifest: object
    files?: readonly MadeEntry[]
    /** Who signs it. */
    keys?: readonly TestKey[]
  }[],
): Promise<void> {
  const folder = tempDir(t)
  const { client } = await connectedScene(t, cloud, { appId: 'shop' })
  for (const { name, manifest, files, keys } of packages) {
    const path = keys
      ? await writeSignedPackage(folder, name, manifest, keys)
      : writePackage(folder, name, manifest, files)
    await client.files.upload(path, { global: true })
  }
  await client.disconnect()
}

/** Puts a package of one `update.json` into the store of the organisation, signed with each of `keys`. */
export async function offerSigned(
  t: TestContext,
  cloud: LocalCloud,
  { name, manifest, keys }: { readonly name: string; readonly manifest: object; readonly keys: readonly KeyObject[] },
): Promise<void> {
  const folder = join(tempDir(t), 'content')
  mkdirSync(folder)
  writeFileSync(join(folder, 'update.json'), JSON.stringify({ name: 'app', release: 1, ...manifest }))
  await packFolder(folder, join(folder, '..', name), keys)
  const { client } = await connectedScene(t, cloud, { appId: 'signer' })
  await client.files.upload(join(folder, '..', name), { global: true })
  await client.disconnect()
}
