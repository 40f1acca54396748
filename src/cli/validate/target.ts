// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { loadClientConfig } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import { environmentName } from '../../config/table.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { configDirFlag, configFileFlag, configPlaceOf } from '../config/config-flags.ts'
import type { ConfigIo } from '../config/config-io.ts'
import { numberArg } from '../shell/args.ts'
import type { Flag, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'
import type { Credentials, OperatorPlace } from './operator.ts'

/** The cloud to validate, and the credentials for it. */
export interface ValidationTarget {
  readonly settings: Settings
  readonly place: OperatorPlace
  readonly credentials: Credentials
}

export const validationFlags: readonly Flag[] = [
  configDirFlag,
  configFileFlag,
  {
    name: 'cloud',
    value: 'HOST',
    summary: 'Host of the cloud, also in HDCADDRESS. No connection file is read then, unless -f names one.',
  },
  { name: 'port', short: 'p', value: 'PORT', summary: 'Port of the cloud (default 8883).' },
  {
    name: 'transport',
    value: 'NAME',
    summary: 'mqtts, wss or mqtt; required for ports other than 8883, 443 and 1883.',
  },
  {
    name: 'token',
    short: 't',
    value: 'TOKEN',
    summary: 'Application token. It is safer in DEVICE_CLOUD_CLOUD_TOKEN (or HDCAPPTOKEN), or typed when asked.',
  },
  {
    name: 'ca-bundle',
    value: 'FILE',
    aliases: ['ssl-bundle'],
    summary: 'PEM file of the certificate authorities to trust.',
  },
  { name: 'api-host', value: 'HOST', summary: 'Host of the operator API (default: that of the cloud).' },
  { name: 'api-port', value: 'PORT', summary: 'Port of the operator API and of the file service (default 443).' },
  {
    name: 'username',
    short: 'u',
    value: 'NAME',
    summary: 'User name of the operator (default: DEVICE_CLOUD_OPERATOR_USERNAME or HDCUSERNAME, else asked for).',
  },
  {
    name: 'password-file',
    value: 'FILE',
    summary:
      'File with the password of the operator (default: DEVICE_CLOUD_OPERATOR_PASSWORD or HDCPASSWORD, else asked for).',
  },
  {
    name: 'manager',
    short: 'm',
    value: 'THING_KEY',
    summary: 'Check the device manager that runs as this thing, action by action. No token is needed.',
  },
  { name: 'organisation', value: 'KEY', aliases: ['org', 'organization'], summary: 'Organisation to work in.' },
]

const defaultPort = '8883'
const httpsPort = 443
const maxPasswordBytes = 4096

/**
 * Reads the command line, the environment and the connection file, and asks the person at the terminal for what is missing.
 *
 * @throws AgentError `USAGE`, `CONFIG_INVALID`, `FILE_NOT_FOUND` (the password file)
 */
export async function findTarget(invocation: Invocation, io: ConfigIo): Promise<ValidationTarget> {
  const settings = await connectionSettings(invocation, io)
  const { cloud } = settings
  const given = invocation.value('api-port')
  const filePort = cloud.fileXferPort ?? httpsPort
  const isOneHost = cloud.fileXferHost === undefined || cloud.fileXferHost === cloud.host
  const place = {
    host: invocation.value('api-host') ?? cloud.host,
    port: given === undefined ? (isOneHost ? filePort : httpsPort) : portOf(given),
    fileHost: cloud.fileXferHost ?? cloud.host,
    filePort,
  }
  const organisation = invocation.value('organisation') ?? (io.environment.HDCORG || undefined)
  return {
    settings,
    place,
    credentials: {
      username: await usernameOf(invocation, io),
      password: await passwordOf(invocation, io),
      organisation,
    },
  }
}

async function connectionSettings(invocation: Invocation, io: ConfigIo): Promise<Settings> {
  const { environment } = io
  const host = invocation.value('cloud') ?? hostOfScripts(invocation, environment)
  // Only a device logs in with a token.
  const isOfManager = invocation.value('manager') !== undefined
  const readsFile = host === undefined || invocation.value('config-file') !== undefined
  const apiPort = invocation.value('api-port')
  const caBundle = invocation.value('ca-bundle')
  const flags: JsonObject = {
    cloud: {
      host,
      port: invocation.value('port') ?? (readsFile ? undefined : defaultPort),
      token: invocation.value('token') ?? (readsFile || isOfManager ? undefined : await tokenOf(io)),
      transport: invocation.value('transport'),
      file_xfer_port: readsFile ? undefined : apiPort,
    },
    ca_bundle_file: caBundle === undefined ? undefined : resolve(caBundle),
  }
  const { configDir, configFile } = configPlaceOf(invocation)
  const { settings } = await loadClientConfig({
    appId: 'validate',
    configDir,
    ...(readsFile ? { configFile } : {}),
    settings: flags,
    environment,
    offline: isOfManager,
  })
  if (settings.cloud.host === '') throw missing('the host of the cloud: --cloud, HDCADDRESS or a connection file')
  return settings
}

/** The variable of the Python agent's scripts. A connection file that the command line names goes before it. */
function hostOfScripts(invocation: Invocation, environment: ConfigIo['environment']): string | undefined {
  const isNamed = [configDirFlag, configFileFlag].some(({ name }) => invocation.value(name) !== undefined)
  return isNamed || environment[environmentName('cloud.host')] ? undefined : environment.HDCADDRESS || undefined
}

async function tokenOf({ environment, ask }: ConfigIo): Promise<string> {
  const token =
    environment[environmentName('cloud.token')] ||
    environment.HDCAPPTOKEN ||
    (await ask?.('Cloud token (not shown): ', { hidden: true }))
  if (token) return token.trim()
  throw missing('the application token: -t, or DEVICE_CLOUD_CLOUD_TOKEN')
}

async function usernameOf(invocation: Invocation, { environment, ask }: ConfigIo): Promise<string> {
  const given = invocation.value('username') ?? (environment.DEVICE_CLOUD_OPERATOR_USERNAME || environment.HDCUSERNAME)
  const name = given || (await ask?.('Operator: ', { hidden: false }))
  if (name) return name.trim()
  throw missing('the operator: --username, or DEVICE_CLOUD_OPERATOR_USERNAME')
}

/** There is no flag for it, because every user of the machine can read a command line. */
async function passwordOf(invocation: Invocation, { environment, ask }: ConfigIo): Promise<string> {
  const file = invocation.value('password-file')
  if (file !== undefined) return (await readBoundedText(resolve(file), maxPasswordBytes)).replace(/\r?\n$/, '')
  const password =
    environment.DEVICE_CLOUD_OPERATOR_PASSWORD ||
    environment.HDCPASSWORD ||
    (await ask?.('Password of the operator (not shown): ', { hidden: true }))
  if (password) return password
  throw missing("the operator's password: --password-file, or DEVICE_CLOUD_OPERATOR_PASSWORD")
}

function portOf(text: string): number {
  const port = numberArg('validate', '--api-port', text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw usage({ name: 'validate' }, `--api-port must be 1 to 65535, not ${text}`)
}

function missing(what: string): AgentError {
  return usage({ name: 'validate' }, `there is no terminal to ask on, and this is missing: ${what}`)
}
