// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../base/json.ts'
import { nameProblem } from '../ota/index.ts'

/** The steps that a manager that is not root may ask root for. */
export const rootSteps = ['reboot', 'shutdown', 'install'] as const
export type RootStep = (typeof rootSteps)[number]

/** One request for a step. It cannot name a program, a path or an argument. */
export type RootRequest =
  | {
      readonly id: string
      readonly step: 'reboot' | 'shutdown'
      /** The boot of the system in which it was requested: after another boot it is void. */
      readonly bootId: string
    }
  | {
      readonly id: string
      readonly step: 'install'
      /** Name of a file in the download folder. */
      readonly package: string
      /** Of the package, lower-case hex. */
      readonly sha256: string
      /** `HDC_EXTRA_PARAMS` of its scripts. */
      readonly extraParams: string
    }

/** Name of the request in the state folder. */
export const requestFileName = 'root-request.json'
export const maxRequestBytes = 16 * 1024

const version = 1
const maxIdChars = 256
const maxExtraChars = 4096
const keysOf: Readonly<Record<RootStep, readonly string[]>> = {
  reboot: ['version', 'id', 'step', 'boot_id'],
  shutdown: ['version', 'id', 'step', 'boot_id'],
  install: ['version', 'id', 'step', 'package', 'sha256', 'extra_params'],
}

export function requestText(request: RootRequest): string {
  const { id, step } = request
  const rest =
    request.step === 'install'
      ? { package: request.package, sha256: request.sha256, extra_params: request.extraParams }
      : { boot_id: request.bootId }
  return `${JSON.stringify({ version, id, step, ...rest })}\n`
}

/**
 * Reads a request, which any process of the manager's user may have written: a text of any other form is refused.
 *
 * @throws AgentError `POLICY_REFUSED`
 */
export function parseRootRequest(text: string): RootRequest {
  const value = parseJson(text)
  if (!isJsonObject(value)) throw refused('it is no JSON object')
  if (value.version !== version) throw refused(`"version" must be ${version}`)
  const step = rootSteps.find(one => one === value.step)
  if (step === undefined) throw refused(`"step" must be one of ${rootSteps.join(', ')}`)
  const unknown = Object.keys(value).find(key => !keysOf[step].includes(key))
  if (unknown !== undefined) throw refused(`${JSON.stringify(unknown.slice(0, 80))} is no key of it`)
  const id = textOf(value, 'id', maxIdChars)
  if (id === '') throw refused('"id" is empty')
  if (step !== 'install') return { id, step, bootId: textOf(value, 'boot_id', maxIdChars) }
  const name = textOf(value, 'package', maxIdChars)
  const problem = nameProblem(name)
  if (problem !== undefined) throw refused(`"package" must be the plain name of a file: ${problem}`)
  const sha256 = textOf(value, 'sha256', 64)
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw refused('"sha256" must have 64 hexadecimal digits')
  return { id, step, package: name, sha256, extraParams: textOf(value, 'extra_params', maxExtraChars) }
}

/** A text of one line. */
function textOf(value: JsonObject, key: string, maxChars: number): string {
  const text = value[key]
  if (typeof text !== 'string') throw refused(`"${key}" must be a text`)
  if (text.length > maxChars) throw refused(`"${key}" is longer than ${maxChars} characters`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refused(`"${key}" has a control character in it`)
  return text
}

function refused(why: string): AgentError {
  return new AgentError('POLICY_REFUSED', `${requestFileName} is refused: ${why}.`)
}
