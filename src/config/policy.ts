// SPDX-License-Identifier: Apache-2.0
import { type Closure, capabilityOf } from './closure.ts'
import { valueIn } from './property.ts'
import type { ConfigNote, ConfigProblem, ManagerSettings, Origin, Origins, Settings } from './settings.ts'
import { settingsOf } from './table.ts'
import type { Values } from './values.ts'

const keys = 'ota.public_keys'
const required = 'ota.require_signature'
const folders = 'file_transfer.allow'

/**
 * Sets the settings of the connection file that a mistake closes, and those that another policy implies: a key means that
 * signatures are required, and where they are required no file action may reach what they protect.
 *
 * @returns the capabilities that one policy closes because another policy contradicts it
 */
export function implyPolicies(values: Values, closures: readonly Closure[]): readonly Closure[] {
  const rows = settingsOf('connect')
  values.close(rows, closures)
  if (!values.isGiven(required) && values.list(keys).length > 0) values.derive(required, true, keys)
  if (!values.boolean(required)) return []
  if (!values.isGiven(folders)) values.derive(folders, [], required)
  if (!values.list(folders).includes('/')) return []
  const problem: ConfigProblem = {
    ...placeOf(values.origins.get(folders)),
    key: folders,
    problem: `names "/", though ${required} is true: a file action could replace what signatures protect`,
    remedy: 'Name the folders that the cloud needs, [] for none.',
  }
  const more: Closure[] = [{ capability: 'file_transfer', problem }]
  values.close(rows, more)
  return more
}

/** The policies of a connection file that are in effect, as a file would write them. */
export function writtenPolicies(settings: Settings): Readonly<Record<string, object>> {
  const file: Record<string, object> = {}
  for (const row of settingsOf('connect')) {
    const [section = '', name] = row.key.split('.')
    const value = valueIn(settings, row)
    if (name === undefined || value === undefined || capabilityOf(row.key) === undefined) continue
    file[section] = { ...file[section], [name]: value }
  }
  return file
}

/** Policies that are valid but deserve a warning: in `config check`, in the log of the device manager and in its status. */
export function findPolicyRisks(
  connection: { readonly settings: Settings; readonly origins: Origins; readonly path: string },
  own: Pick<ManagerSettings, 'actionsEnabled'>,
): readonly ConfigNote[] {
  const { origins } = connection
  const { ota, fileTransfer } = connection.settings
  const notes: ConfigNote[] = []
  const warn = (key: string, problem: string, remedy: string) => {
    const origin = origins.get(key)
    const isAbsent = origin?.source === 'default' || origin?.source === 'derived'
    notes.push({ level: 'warn', ...(isAbsent ? { file: connection.path } : placeOf(origin)), key, problem, remedy })
  }
  if (fileTransfer.allow.includes('/') && own.actionsEnabled.file_transfers !== false) {
    const isAbsent = origins.get(folders)?.source === 'default'
    const problem = `${isAbsent ? 'is absent' : 'names "/"'}: the cloud may read and write every file of this device, as with the Python agent`
    warn(
      folders,
      problem,
      'Name the folders that the cloud needs in file_transfer.allow of the connection file, [] for none.',
    )
  }
  if (ota.publicKeys.length > 0 && !ota.requireSignature) {
    const problem = `is false, though ${keys} names a key: unsigned packages are installed`
    warn(required, problem, `Remove it: the keys alone mean that a signature is required.`)
  }
  if (ota.requireSignature && ota.publicKeys.length === 0 && origins.get(required)?.source !== 'closed') {
    const problem = `is true, and ${keys} names no key: no update can be installed`
    warn(required, problem, `Write the line that "device-cloud ota keygen" prints into ${keys}.`)
  }
  return notes
}

function placeOf(origin: Origin | undefined): { readonly file: string; readonly line?: number } {
  if (origin?.source === 'file') return { file: origin.file, line: origin.line }
  if (origin?.source === 'environment') return { file: `environment variable ${origin.name}` }
  return { file: origin?.source === 'given' ? origin.by : 'command line' }
}
