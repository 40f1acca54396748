import { resolve } from 'node:path'
import { AgentError, asAgentError } from '../../base/errors.ts'
import { findIdentity, type Identity, loadIdentity } from '../../config/identity.ts'
import type { ConfigProblem } from '../../config/settings.ts'
import type { Check } from '../run-checks.ts'
import { idOfMachine } from './id-of-machine.ts'

/**
 * What happens where there is no device id: `find` makes none, `make` makes and keeps one as the device manager does, and
 * `register` goes on with one that is told where none can be kept.
 */
export type IdentityMode = 'find' | 'make' | 'register'

/** Whose thing logs in. The cloud registers every new key, so that nobody logs in with one that is forgotten at once. */
export class CheckedIdentity {
  readonly #place: { readonly configDir: string; readonly appId: string }
  readonly #mode: IdentityMode
  #thingKey: string | undefined

  constructor(place: { readonly configDir: string; readonly appId: string }, mode: IdentityMode) {
    const { configDir, appId } = place
    this.#place = { configDir: resolve(configDir), appId }
    this.#mode = mode
  }

  /** Undefined as long as nobody can log in. */
  get thingKey(): string | undefined {
    return this.#thingKey
  }

  get check(): Check {
    return {
      name: 'identity',
      run: async () => {
        const found = await findIdentity(this.#place).catch(error => {
          throw rightMistake(error)
        })
        if (found !== undefined) return this.#is(found, `the device id is ${found.deviceId}`)
        if (this.#mode === 'find')
          return { skip: 'there is no device_id yet; the device manager makes one, and so does "device-cloud check"' }
        return this.#make()
      },
    }
  }

  async #make(): Promise<string> {
    try {
      const made = await loadIdentity(this.#place)
      return this.#is(made, `made the device id ${made.deviceId}, and kept it in ${made.path} for the device manager`)
    } catch (error) {
      throw await this.#unkept(asAgentError(error))
    }
  }

  #is({ thingKey }: Identity, text: string): string {
    this.#thingKey = thingKey
    return text
  }

  async #unkept(cause: AgentError): Promise<AgentError> {
    const { configDir, appId } = this.#place
    const path = resolve(configDir, 'device_id')
    const why = asAgentError(cause.cause ?? cause).message
    const problem = `there is no device_id, and none can be made in the folder ${configDir}: ${why}`
    const mend = `Make ${configDir} writable for the user of the device manager, or write a device id into ${path}`
    if (this.#mode !== 'register') {
      const remedy = `${mend}; "check --register" tries the token all the same.`
      return new AgentError(cause.code, problem, { cause, remedy })
    }
    const deviceId = await idOfMachine(configDir)
    this.#thingKey = appId === '' ? deviceId : `${deviceId}-${appId}`
    const remedy = `The login that follows registers the thing ${this.#thingKey} in the cloud. To keep it, write the device id ${deviceId} into ${path}.`
    return new AgentError(cause.code, problem, { cause, remedy })
  }
}

/** A file that holds something else says what to do itself. */
function rightMistake(error: unknown): AgentError {
  const failure = asAgentError(error)
  const { problems } = failure.details
  const [problem]: readonly ConfigProblem[] = Array.isArray(problems) ? problems : []
  if (problem === undefined) return failure
  const text = problem.file === undefined ? problem.problem : `${problem.file} ${problem.problem}`
  return new AgentError(failure.code, text, { cause: failure, remedy: problem.remedy })
}
