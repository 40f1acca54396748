import { basename, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../../platform/file-facts.ts'
import { readLink } from '../../platform/read-link.ts'

/** The init systems that the service can be installed for. `sysv` is that of BusyBox as well. */
export const initSystems = ['sysv'] as const
export type InitSystem = (typeof initSystems)[number]

/** One sign of an init system, in the order in which they count. */
interface Sign {
  readonly system: InitSystem
  /** Under the root folder. */
  readonly path: string
  readonly kind: 'folder' | 'file' | 'link'
  /** What a link must lead to: the last part of it. */
  readonly leadsTo?: string
}

const signs: readonly Sign[] = [{ system: 'sysv', path: 'etc/init.d', kind: 'folder' }]

/**
 * Finds the init system of the device whose files are under `root`.
 *
 * @throws AgentError `NOT_SUPPORTED`, saying what was looked for
 */
export async function detectInitSystem(root: string): Promise<InitSystem> {
  for (const sign of signs) if (await isThere(root, sign)) return sign.system
  const looked = signs.map(({ path, leadsTo }) => (leadsTo === undefined ? path : `${path} -> ${leadsTo}`)).join(', ')
  throw new AgentError(
    'NOT_SUPPORTED',
    `no init system that is known is under ${root}, and nothing was written; looked for ${looked}. Name it with --init, or start "device-cloud manager" as your system starts its services.`,
    { details: { root, looked } },
  )
}

async function isThere(root: string, { path, kind, leadsTo }: Sign): Promise<boolean> {
  const place = join(root, path)
  if (leadsTo !== undefined) return basename((await readLink(place)) ?? '') === leadsTo
  return (await fileFacts(place))?.kind === kind
}
