// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { listFolder } from '../../platform/files/folders.ts'
import { systemText } from '../../platform/system/system-file.ts'
import type { Addition } from './additions.ts'

type Link = Extract<Addition, { kind: 'link' }>

const startLevels = [2, 3, 4, 5]
const stopLevels = [0, 1, 6]
/** After the network and the clock, before the login services. */
const startNumber = 90
const stopNumber = 10

/**
 * The links by which SysV init and BusyBox start the service at boot, where their folders exist; none when this device runs
 * nothing in `/etc/init.d`.
 */
export async function sysvBootLinks(root: string): Promise<readonly Link[]> {
  const links: Link[] = []
  for (const level of [...startLevels, ...stopLevels]) {
    if ((await fileFacts(join(root, `etc/rc${level}.d`)))?.kind !== 'folder') continue
    const name = startLevels.includes(level) ? `S${startNumber}` : `K${stopNumber}`
    links.push({ kind: 'link', path: `/etc/rc${level}.d/${name}device-cloud`, leadsTo: '../init.d/device-cloud' })
  }
  if (links.length > 0) return links
  if (!(await runsNumberedScripts(root))) return []
  return [{ kind: 'link', path: `/etc/init.d/S${startNumber}device-cloud`, leadsTo: 'device-cloud' }]
}

/** Whether rcS runs `/etc/init.d/S??*`, as Buildroot's does. */
async function runsNumberedScripts(root: string): Promise<boolean> {
  const script = await systemText(root, 'etc/init.d/rcS')
  if (script !== undefined && /init\.d\/S(?:\?|\[|\*)/.test(script)) return true
  if ((await fileFacts(join(root, 'etc/init.d')))?.kind !== 'folder') return false
  for await (const { path } of listFolder(join(root, 'etc/init.d'), { maxEntries: 10_000, maxDepth: 1 }))
    if (/^S\d\d/.test(path)) return true
  return false
}
