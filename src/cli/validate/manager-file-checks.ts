// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../base/json.ts'
import { Status } from '../../protocol/status.ts'
import { describeAnswer } from './calls.ts'
import { callManager, type ManagerCheck, type ManagerContext, managerNeeds, succeeded } from './manager-context.ts'
import { expectSame, notProven, until } from './validation-context.ts'

/** Several chunks, and an odd number of bytes. */
const contentBytes = 300_001

const closedText =
  'file_transfer.allow permits no download into the upload folder of the device, so the file is not there'

/**
 * Sends one file from the operator to the device and back. The file goes into the upload folder of the device, so that the upload
 * removes it. The manager names that folder when it refuses to upload a missing file. Where the policy of the device permits no
 * downloads into that folder, the file goes into the download folder and does not come back.
 */
export class ManagerFile {
  readonly #name: string
  readonly #content = randomBytes(contentBytes)
  /** Where the file is on the device. */
  #left: string | undefined
  /** Why the file cannot come back; undefined when it can. */
  #whyNoReturn: string | undefined

  /** @param name unique in the cloud */
  constructor(name: string) {
    this.#name = name
  }

  get checks(): readonly ManagerCheck[] {
    return [
      { name: 'file_download', needs: managerNeeds, run: (context, signal) => this.#down(context, signal) },
      { name: 'file_upload', needs: ['file_download'], run: (context, signal) => this.#up(context, signal) },
    ]
  }

  /** Removes the file from the cloud. Resolves to a text that says what is left. */
  async remove({ operator, thingKey }: Pick<ManagerContext, 'operator' | 'thingKey'>): Promise<string> {
    const file = { thingKey, fileName: this.#name }
    if (operator.isLoggedIn && (await operator.ask('file.info', file)).ok) await operator.do('file.delete', file)
    return this.#left === undefined
      ? 'nothing is left in the cloud and on the device'
      : `nothing is left in the cloud; on the device, ${this.#left}`
  }

  async #down(context: ManagerContext, signal: AbortSignal) {
    const { operator, thingKey } = context
    const fileName = this.#name
    const missing = await callManager(context, signal, 'file_upload', { file_name: fileName })
    if ('skip' in missing) return missing
    if (missing.ok) throw notProven('the upload of a missing file succeeded')
    const path = /[Tt]here is no file (\/.+?)\.?$/.exec(missing.errorMessages.join(' '))?.[1]
    const { fileId } = await operator.do('file.put', { thingKey, fileName }, { signal })
    if (typeof fileId !== 'string') throw notProven('file.put answered no id')
    await operator.writeFile(fileId, this.#content, signal)
    const there = path === undefined ? undefined : await this.#fetch(context, signal, { file_path: path })
    if (there !== undefined && 'skip' in there) return there
    if (there?.ok === true) this.#left = path
    else {
      if (there === undefined) this.#whyNoReturn = 'the device does not say where its upload folder is'
      else if (there.errorCodes.includes(Status.NoPermission)) this.#whyNoReturn = closedText
      else succeeded('file_download', there)
      const answer = await this.#fetch(context, signal, {})
      if ('skip' in answer) return answer
      succeeded('file_download', answer)
      this.#left = `${fileName} in its download folder`
    }
    return `${contentBytes} bytes, to ${this.#left}`
  }

  #fetch(context: ManagerContext, signal: AbortSignal, params: JsonObject) {
    return callManager(context, signal, 'file_download', { file_name: this.#name, ...params })
  }

  async #up(context: ManagerContext, signal: AbortSignal) {
    if (this.#whyNoReturn !== undefined) return { skip: this.#whyNoReturn }
    const { operator, thingKey } = context
    const fileName = this.#name
    await operator.do('file.delete', { thingKey, fileName }, { signal })
    const answer = await callManager(context, signal, 'file_upload', { file_name: fileName })
    if ('skip' in answer) return answer
    succeeded('file_upload', answer)
    await until(context, signal, async () => {
      const { result } = await operator.do('file.list', { thingKey }, { signal })
      const files = Array.isArray(result) ? result.filter(isJsonObject) : []
      const { length } = files.find(file => file.fileName === fileName) ?? {}
      expectSame(`the size of ${fileName} in the list`, length, contentBytes)
    })
    const { fileId } = await operator.do('file.get', { thingKey, fileName }, { signal })
    const back = await operator.readFile(String(fileId), signal)
    if (!back.equals(this.#content))
      throw notProven(`${back.length} bytes came back, and they are not those that were sent`)
    const again = await callManager(context, signal, 'file_upload', { file_name: fileName })
    if ('skip' in again) return again
    if (again.ok) return `${contentBytes} bytes back; the device keeps its copy (upload_remove_on_success)`
    if (!again.errorCodes.includes(Status.NotFound))
      throw notProven(`file_upload of a file that was sent: ${describeAnswer(again)}`)
    this.#left = undefined
    return `${contentBytes} bytes back, and removed from the device`
  }
}
