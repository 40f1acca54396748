import { messageOf } from '../../base/errors.ts'
import { isJsonObject } from '../../base/json.ts'
import type { ValidationContext } from './validation-context.ts'

const endTimeoutMs = 5_000
const maxFiles = 2_000

/**
 * Takes away what the checks made: files, thing, application and folder, each also when another could not be.
 *
 * @returns what is left, a line for each
 */
export async function cleanup(
  { device, operator }: Omit<ValidationContext, 'signal'>,
  globalName: string,
): Promise<readonly string[]> {
  const left: string[] = []
  const tidy = (what: string, work: () => Promise<unknown>) =>
    work().catch(error => void left.push(`${what}: ${messageOf(error)}`))
  const { thingKey, folder } = device
  // First: a device whose thing is deleted would register it anew.
  await tidy('the application', () => device.end({ timeoutMs: endTimeoutMs }))
  if (operator.isLoggedIn) {
    await tidy(`files of ${thingKey}`, async () => {
      const found = await operator.ask('file.list', { thingKey, limit: maxFiles })
      const rows = found.ok && Array.isArray(found.params.result) ? found.params.result.filter(isJsonObject) : []
      for (const { fileName } of rows)
        if (typeof fileName === 'string') await operator.do('file.delete', { thingKey, fileName })
    })
    await tidy(`global file ${globalName}`, async () => {
      const file = { thingKey, fileName: globalName, global: true }
      if ((await operator.ask('file.info', file)).ok) await operator.do('file.delete', file)
    })
    await tidy(`thing ${thingKey}`, async () => {
      if ((await operator.ask('thing.find', { key: thingKey })).ok) await operator.do('thing.delete', { key: thingKey })
    })
  }
  await tidy(folder, () => device.remove())
  return left
}
