import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type MadeEntry, makeTarGz, makeZip } from './archives.ts'
import { connectedScene } from './client-scene.ts'
import type { LocalCloud } from './local-cloud.ts'
import { tempDir } from './temp-dir.ts'

/** Writes a package with this `update.json`; its name decides what kind it is. Returns its path. */
export function writePackage(folder: string, name: string, manifest: object, files: readonly MadeEntry[] = []): string {
  const path = join(folder, name)
  const entries = [{ name: 'update.json', content: JSON.stringify(manifest) }, ...files]
  writeFileSync(path, name.endsWith('.zip') ? makeZip(entries) : makeTarGz(entries))
  return path
}

/** Puts packages into the store of the organisation. */
export async function offerPackages(
  t: TestContext,
  cloud: LocalCloud,
  packages: readonly { name: string; manifest: object; files?: readonly MadeEntry[] }[],
): Promise<void> {
  const folder = tempDir(t)
  const { client } = await connectedScene(t, cloud, { appId: 'shop' })
  for (const { name, manifest, files } of packages)
    await client.files.upload(writePackage(folder, name, manifest, files), { global: true })
  await client.disconnect()
}
