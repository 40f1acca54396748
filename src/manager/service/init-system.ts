// SPDX-License-Identifier: Apache-2.0
import { basename, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { readLink } from '../../platform/files/links.ts'

/** The init systems that the service can be installed for. `sysv` is that of BusyBox as well. */
export const initSystems = ['sysv', 'openrc', 'procd', 'systemd'] as const
export type InitSystem = (typeof initSystems)[number]

/** One sign of an init system, in the order in which they count. */
interface Sign {
  readonly system: InitSystem
  /** Under the root folder. */
  readonly path: string
  readonly kind: 'folder' | 'file' | 'link'
  /** The last part of the target of a link. */
  readonly leadsTo?: string
}

/** The running init is the surest sign; then the one that the kernel starts; then installed files. */
const signs: readonly Sign[] = [
  { system: 'systemd', path: 'run/systemd/system', kind: 'folder' },
  { system: 'openrc', path: 'run/openrc', kind: 'folder' },
  { system: 'systemd', path: 'sbin/init', kind: 'link', leadsTo: 'systemd' },
  { system: 'systemd', path: 'usr/sbin/init', kind: 'link', leadsTo: 'systemd' },
  { system: 'openrc', path: 'sbin/init', kind: 'link', leadsTo: 'openrc-init' },
  { system: 'procd', path: 'sbin/procd', kind: 'file' },
  { system: 'openrc', path: 'sbin/openrc-run', kind: 'file' },
  { system: 'openrc', path: 'usr/sbin/openrc-run', kind: 'file' },
  { system: 'sysv', path: 'etc/init.d', kind: 'folder' },
]

/**
 * Finds the init system of the device whose files are under `root`.
 *
 * @throws AgentError `NOT_SUPPORTED`, naming the signs that were sought
 */
export async function detectInitSystem(root: string): Promise<InitSystem> {
  for (const sign of signs) if (await isThere(root, sign)) return sign.system
  const looked = signs.map(({ path, leadsTo }) => (leadsTo === undefined ? path : `${path} -> ${leadsTo}`)).join(', ')
  throw new AgentError(
    'NOT_SUPPORTED',
    `There is no known init system under ${root}, and nothing was written. Looked for ${looked}. Name it with --init, or start "device-cloud manager" as your system starts its services.`,
    { details: { root, looked } },
  )
}

async function isThere(root: string, { path, kind, leadsTo }: Sign): Promise<boolean> {
  const place = join(root, path)
  if (leadsTo !== undefined) return basename((await readLink(place)) ?? '') === leadsTo
  return (await fileFacts(place))?.kind === kind
}
