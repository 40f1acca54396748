// SPDX-License-Identifier: Apache-2.0
import { closestName } from './suggestion.ts'
import { settingsTable } from './table.ts'

const section = 'actions_enabled.'
const known = settingsTable.filter(({ key }) => key.startsWith(section)).map(({ key }) => key.slice(section.length))

/** Names of actions, and common names for them, with the switch that decides about them. `*` stands for all switches. */
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

/** The meaning of a name below `actions_enabled`. */
export type SwitchMeaning =
  | { readonly kind: 'known' }
  /** An action that the owner of the device adds. */
  | { readonly kind: 'added' }
  /** The owner meant a switch of another name; with `*` it is unknown which one. */
  | { readonly kind: 'mistake'; readonly meant: string }

/** Whether the agent itself has this switch. */
export function isKnownSwitch(name: string): boolean {
  return known.includes(name)
}

/** Distinguishes a switch that the owner adds from a misspelt one, which would switch off nothing. */
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
