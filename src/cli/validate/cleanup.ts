// SPDX-License-Identifier: Apache-2.0
import { messageOf } from '../../base/errors.ts'
import { isJsonObject } from '../../base/json.ts'
import type { ValidationContext } from './validation-context.ts'

const endTimeoutMs = 5_000
const maxFiles = 2_000

/**
 * Removes what the checks made: files, thing, application and folder. A failure to remove one does not keep the others.
 *
 * @returns what could not be removed and why, a text for each
 */
export async function cleanup(
  { device, operator }: Pick<ValidationContext, 'device' | 'operator'>,
  globalName: string,
): Promise<readonly string[]> {
  const left: string[] = []
  const remove = (what: string, work: () => Promise<unknown>) =>
    work().catch(error => void left.push(`${what}: ${messageOf(error)}`))
  const { thingKey, folder } = device
  // First of all, because a connected device would register its deleted thing anew.
  await remove('the application', () => device.end({ timeoutMs: endTimeoutMs }))
  if (operator.isLoggedIn) {
    await remove(`files of ${thingKey}`, async () => {
      const found = await operator.ask('file.list', { thingKey, limit: maxFiles })
      const rows = found.ok && Array.isArray(found.params.result) ? found.params.result.filter(isJsonObject) : []
      for (const { fileName } of rows)
        if (typeof fileName === 'string') await operator.do('file.delete', { thingKey, fileName })
    })
    await remove(`global file ${globalName}`, async () => {
      const file = { thingKey, fileName: globalName, global: true }
      if ((await operator.ask('file.info', file)).ok) await operator.do('file.delete', file)
    })
    await remove(`thing ${thingKey}`, async () => {
      if ((await operator.ask('thing.find', { key: thingKey })).ok) await operator.do('thing.delete', { key: thingKey })
    })
  }
  await remove(folder, () => device.remove())
  return left
}
