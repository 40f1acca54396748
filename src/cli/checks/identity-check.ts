// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError, asAgentError } from '../../base/errors.ts'
import { findIdentity, type Identity, loadIdentity } from '../../config/identity.ts'
import type { ConfigProblem } from '../../config/settings.ts'
import type { ConfigPlace } from '../config/config-flags.ts'
import { idOfMachine } from './id-of-machine.ts'
import type { Check } from './run-checks.ts'

/**
 * What the check does without a device id. `find` makes none, and `make` makes and keeps one as the device manager does. Where none
 * can be kept, `register` goes on with one that it reports.
 */
export type IdentityMode = 'find' | 'make' | 'register'

type IdentityPlace = Pick<ConfigPlace, 'configDir' | 'appId'>

/** The thing that logs in. The cloud registers every new key, so that no login may use an id that is forgotten afterwards. */
export class CheckedIdentity {
  readonly #place: IdentityPlace
  readonly #mode: IdentityMode
  #thingKey: string | undefined

  constructor({ configDir, appId }: IdentityPlace, mode: IdentityMode) {
    this.#place = { configDir: resolve(configDir), appId }
    this.#mode = mode
  }

  /** Undefined as long as there is no device id to log in with. */
  get thingKey(): string | undefined {
    return this.#thingKey
  }

  get check(): Check {
    return { name: 'identity', run: () => this.#run() }
  }

  async #run() {
    const found = await findIdentity(this.#place).catch(error => {
      throw withOwnRemedy(error)
    })
    if (found !== undefined) return this.#use(found, `the device id is ${found.deviceId}`)
    if (this.#mode === 'find')
      return { skip: 'there is no device_id yet; the device manager makes one, and so does "device-cloud check"' }
    try {
      const made = await loadIdentity(this.#place)
      return this.#use(made, `made the device id ${made.deviceId}, and kept it in ${made.path} for the device manager`)
    } catch (error) {
      throw await this.#notKept(asAgentError(error))
    }
  }

  #use({ thingKey }: Identity, text: string): string {
    this.#thingKey = thingKey
    return text
  }

  async #notKept(cause: AgentError): Promise<AgentError> {
    const { configDir, appId } = this.#place
    const path = resolve(configDir, 'device_id')
    const why = asAgentError(cause.cause ?? cause).message.replace(/\.$/, '')
    const problem = `There is no device_id, and none can be made in the folder ${configDir}: ${why}.`
    if (this.#mode !== 'register') {
      const remedy = `Make ${configDir} writable for the user of the device manager, or write a device id into ${path}; "check --register" tries the token all the same.`
      return new AgentError(cause.code, problem, { cause, remedy })
    }
    const deviceId = await idOfMachine(configDir)
    this.#thingKey = appId === '' ? deviceId : `${deviceId}-${appId}`
    const remedy = `The login that follows registers the thing ${this.#thingKey} in the cloud. To keep it, write the device id ${deviceId} into ${path}.`
    return new AgentError(cause.code, problem, { cause, remedy })
  }
}

/** The mistake in a device_id file that holds something else, with the remedy for that mistake. */
function withOwnRemedy(error: unknown): AgentError {
  const failure = asAgentError(error)
  const { problems } = failure.details
  const [problem]: readonly ConfigProblem[] = Array.isArray(problems) ? problems : []
  if (problem === undefined) return failure
  const text = problem.file === undefined ? problem.problem : `${problem.file} ${problem.problem}`
  return new AgentError(failure.code, text, { cause: failure, remedy: problem.remedy })
}
