// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../../base/json.ts'
import { BadParameter, textParam } from '../../actions/index.ts'
import { scriptLogName } from '../package/index.ts'

/** A request for an update, as it is kept on flash. */
export interface UpdateRequest {
  /** The id of the call that asks for it; an update without a cloud has an id of its own. */
  readonly id: string
  /** `cloud`: fetched from the store, and acknowledged. `local`: a file of this device, without an answer to the cloud. */
  readonly from: 'cloud' | 'local'
  /** Name of the package. */
  readonly package: string
  /** Where a local package is, absolute. */
  readonly path?: string
  /** Root installs it, for a manager that is not root. */
  readonly byRoot?: true
  /** Longest time for the download, seconds. */
  readonly timeoutS: number
  /** `HDC_EXTRA_PARAMS` of every script. */
  readonly extraParams: string
  /** Name of the log in the cloud. */
  readonly logName: string
}

const defaultTimeoutS = 600
const longestTimeoutS = 30 * 86_400
const maxNameBytes = 200
export const defaultLogName = scriptLogName

/** Reads the parameters of `software_update` [TR50 7.1]. Throws {@link BadParameter}. */
export function readUpdateRequest(id: string, params: JsonObject): UpdateRequest {
  const name = textParam(params, 'package')
  if (name === undefined) throw new BadParameter('package is missing: the name of a file in the cloud store')
  const problem = nameProblem(name)
  if (problem !== undefined) throw new BadParameter(`package must be the plain name of a file: ${problem}`)
  return {
    id,
    from: 'cloud',
    package: name,
    timeoutS: timeoutOf(params.ota_timeout),
    extraParams: extraParamsOf(params.extra_params),
    logName: scrubbedLogName(textParam(params, 'ota_logfile')),
  }
}

/** Why `name` is not the plain name of a file; undefined when it is. */
export function nameProblem(name: string): string | undefined {
  if (name === '.' || name === '..' || name === '') return `it is ${JSON.stringify(name)}`
  if (/[/\\]/.test(name)) return 'it has "/" or "\\" in it'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'it has a control character in it'
  if (Buffer.byteLength(name) > maxNameBytes) return `it is longer than ${maxNameBytes} bytes`
  return undefined
}

/** Every character that is not a letter, a digit, `_`, `.` or `-` becomes `_` [TR50 7.1]; the default is the name of the Python agent. */
function scrubbedLogName(name: string | undefined): string {
  if (name === undefined) return defaultLogName
  const scrubbed = name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, maxNameBytes)
  return /^\.*$/.test(scrubbed) ? defaultLogName : scrubbed
}

function timeoutOf(value: unknown): number {
  if (value === undefined || value === null || value === '') return defaultTimeoutS
  const seconds = typeof value === 'string' ? Number(value) : value
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= longestTimeoutS))
    throw new BadParameter(`ota_timeout must be a number of seconds from 0 to ${longestTimeoutS}`)
  return seconds === 0 ? defaultTimeoutS : seconds
}

function extraParamsOf(value: unknown): string {
  // Values other than text made the Python agent die without an answer; as text they reach the script.
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'object' && value !== null) return extraParamsOf(JSON.stringify(value))
  if (value === undefined || value === null) return ''
  return textParam({ extra_params: String(value) }, 'extra_params') ?? ''
}
