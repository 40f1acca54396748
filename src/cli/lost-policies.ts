import { policySections } from '../config/closure.ts'
import { readConfigFile } from '../config/config-file.ts'
import { valuesAt } from '../config/spelling.ts'
import { settingsOf } from '../config/table.ts'

/** Of a connection file that is about to be replaced, the policies that the new one will not have. */
export async function lostPolicies(path: string, written: readonly string[]): Promise<readonly string[]> {
  const { file } = await readConfigFile(path)
  if (file === undefined) return []
  return settingsOf('connect')
    .map(({ key }) => key)
    .filter(key => policySections.some(section => key.startsWith(`${section}.`)))
    .filter(key => !written.includes(key) && valuesAt(file.value, key).length > 0)
}
