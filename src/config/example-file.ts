import { isJsonObject } from '../base/json.ts'
import type { Setting, SettingValue } from './setting.ts'
import { environmentName, settingsOf, settingsTable } from './table.ts'

const examples: Readonly<Record<string, SettingValue>> = {
  'cloud.host': 'cloud.example.com',
  'cloud.port': 8883,
  'cloud.token': 'TOKEN',
  'file_transfer.allow': [],
}

/** Whoever adds a key to the file shall not find unsigned packages allowed beside it. */
const leftOut = ['ota.require_signature']

/** An example of a file: what is required, and every setting that has a default, with that. */
export function exampleText(file: Setting['file']): string {
  const root: Record<string, unknown> = {}
  for (const { key, ignored, default: byDefault } of settingsOf(file)) {
    const value = examples[key] ?? byDefault
    if (value === undefined || ignored || leftOut.includes(key)) continue
    const [section = key, name] = key.split('.')
    if (name === undefined) root[section] = value
    else root[section] = { ...(isJsonObject(root[section]) ? root[section] : {}), [name]: value }
  }
  return `${JSON.stringify(root, null, 2)}\n`
}

/** Every environment variable that sets something. */
export function environmentNames(): readonly string[] {
  const settable = settingsTable.filter(setting => !setting.ignored && setting.type.kind !== 'services')
  return [...new Set(settable.map(setting => environmentName(setting.key)))]
}
