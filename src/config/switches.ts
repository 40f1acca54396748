import { closestName } from './suggestion.ts'
import { settingsTable } from './table.ts'

const section = 'actions_enabled.'
const known = settingsTable.filter(({ key }) => key.startsWith(section)).map(({ key }) => key.slice(section.length))

/** Names of actions, and what people call them, that another switch decides. `*` is all of them. */
const otherNames: Readonly<Record<string, string>> = {
  file_download: 'file_transfers',
  file_upload: 'file_transfers',
  download: 'file_transfers',
  upload: 'file_transfers',
  files: 'file_transfers',
  'remote-access': 'remote_login',
  remote_access: 'remote_login',
  get_remote_access_info: 'remote_login',
  remote: 'remote_login',
  ssh: 'remote_login',
  telnet: 'remote_login',
  quit: 'reset_agent',
  ping: 'reset_agent',
  reboot: 'reboot_device',
  shutdown: 'shutdown_device',
  decommission: 'decommission_device',
  ota: 'software_update',
  update: 'software_update',
  firmware_update: 'software_update',
  all: '*',
}

/** What a name below `actions_enabled` is. */
export type SwitchMeaning =
  | { readonly kind: 'known' }
  /** The name of an action that the owner of the device adds. */
  | { readonly kind: 'added' }
  /** Whoever wrote it meant a switch that has another name, or, with `*`, nobody can tell which. */
  | { readonly kind: 'mistake'; readonly meant: string }

/** Whether the agent itself has this switch. */
export function isKnownSwitch(name: string): boolean {
  return known.includes(name)
}

/** Tells a switch that the owner adds from one that is misspelt, and would switch off nothing. */
export function meaningOfSwitch(name: string): SwitchMeaning {
  if (isKnownSwitch(name)) return { kind: 'known' }
  const lower = name.toLowerCase()
  const other = Object.hasOwn(otherNames, lower) ? otherNames[lower] : undefined
  const meant = other ?? closestName(name, known)
  if (meant !== undefined) return { kind: 'mistake', meant }
  const above = known.find(one => lower.startsWith(`${one}.`))
  if (above !== undefined) return { kind: 'mistake', meant: above }
  return /^[A-Za-z0-9][\w.-]{0,127}$/.test(name) ? { kind: 'added' } : { kind: 'mistake', meant: '*' }
}
