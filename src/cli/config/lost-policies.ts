// SPDX-License-Identifier: Apache-2.0
import { policySections } from '../../config/closure.ts'
import { readConfigFile } from '../../config/config-file.ts'
import { valuesAt } from '../../config/spelling.ts'
import { settingsOf } from '../../config/table.ts'

/** The keys of the policies in a connection file that its replacement, which has only the keys `written`, will lack. */
export async function lostPolicies(path: string, written: readonly string[]): Promise<readonly string[]> {
  const { file } = await readConfigFile(path)
  if (file === undefined) return []
  return settingsOf('connect')
    .map(({ key }) => key)
    .filter(key => policySections.some(section => key.startsWith(`${section}.`)))
    .filter(key => !written.includes(key) && valuesAt(file.value, key).length > 0)
}
