// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { isJsonObject, parseJson } from '../../base/json.ts'
import type { Settings } from '../../config/settings.ts'
import { environmentName, settingsTable } from '../../config/table.ts'
import { listFolder } from '../../platform/files/folders.ts'
import { readFirstLines } from '../../platform/files/read-part.ts'
import type { Environment } from '../../platform/process/process-facts.ts'

/** The settings whose values must not leave the device: the secrets, and the user name of the proxy. */
const secretKeys = [...settingsTable.filter(({ secret }) => secret).map(({ key }) => key), 'proxy.username']

const maxFileBytes = 256 * 1024
const maxEntries = 10_000

interface Sources {
  readonly configDir: string
  /** Absolute path of the connection file. */
  readonly connectionFile: string
  /** Absent when the configuration cannot be read. */
  readonly settings?: Settings | undefined
  readonly environment: Environment
}

/**
 * The known secrets of this device: those of the settings, of the environment, and of all connection files in the folder, even of
 * files that are not valid JSON and of other applications.
 */
export async function knownSecrets({ configDir, connectionFile, settings, environment }: Sources): Promise<string[]> {
  const fromEnvironment = [...secretKeys.map(environmentName), 'DEVICE_CLOUD_OPERATOR_PASSWORD'].map(
    name => environment[name],
  )
  const fromSettings = [settings?.cloud.token, settings?.proxy?.password, settings?.proxy?.username]
  const files = new Set([connectionFile, ...(await connectionFiles(configDir))])
  const fromFiles = await Promise.all([...files].map(secretsIn))
  const { username, password } = settings?.proxy ?? {}
  // As the login of an HTTP proxy holds it, before Base64.
  const pair = username === undefined || password === undefined ? [] : [`${username}:${password}`]
  return [...fromEnvironment, ...fromSettings, ...fromFiles.flat(), ...pair].filter(text => text !== undefined)
}

async function connectionFiles(configDir: string): Promise<string[]> {
  const found: string[] = []
  try {
    for await (const { path } of listFolder(configDir, { maxEntries, maxDepth: 1 }))
      if (path.endsWith('connect.cfg')) found.push(join(configDir, path))
  } catch {
    // A folder that cannot be read cannot get into the archive either.
  }
  return found
}

async function secretsIn(path: string): Promise<string[]> {
  try {
    const { text } = await readFirstLines(path, maxFileBytes)
    return [...valuesByName(text), ...valuesByKey(text)]
  } catch {
    return []
  }
}

/** Finds them by their names alone, because a file with a mistake in it holds the same secrets. */
function valuesByName(text: string): string[] {
  const values = text.matchAll(
    /(?:token|password|username)["']?\s*[:=]\s*(?:"((?:[^"\\]|\\.)*)|'([^']*)|([^\s"',}]+))/gi,
  )
  return [...values].flatMap(([, quoted, single, bare]) => {
    const value = quoted ?? single ?? bare ?? ''
    if (bare !== undefined && /^(?:true|false|null)$/.test(bare)) return []
    const unescaped = parseJson(`"${value}"`)
    return typeof unescaped === 'string' ? [value, unescaped] : [value]
  })
}

/** Finds them by their keys in valid JSON, even in a name that is written with escapes. */
function valuesByKey(text: string): string[] {
  const file = parseJson(text)
  return secretKeys.flatMap(key => {
    const [section = '', name = ''] = key.split('.')
    const members = isJsonObject(file) ? file[section] : undefined
    const value = isJsonObject(members) ? members[name] : undefined
    return typeof value === 'string' || typeof value === 'number' ? [String(value)] : []
  })
}
