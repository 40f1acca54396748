import { resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import type { Json, JsonObject } from '../base/json.ts'
import { checkConnectionSettings } from '../config/load.ts'
import type { ConfigProblem } from '../config/settings.ts'
import { environmentName, settingsTable } from '../config/table.ts'
import { formatProblem } from '../config/values.ts'
import { createFile, replaceFile } from '../platform/files/write-file.ts'
import type { Command } from './command.ts'
import { type ConfigIo, printFailure } from './config-io.ts'
import { askConnection, type PromptAnswers } from './config-questions.ts'
import { type FileToWrite, fileToWrite } from './config-target.ts'
import { configIo } from './config-terminal.ts'
import { lostPolicies } from './lost-policies.ts'
import { bundleProblem } from './usable-bundle.ts'

/** The flags of `config generate`, all as they were typed. */
export interface GenerateFlags {
  /** `-f`: file to write; `.cfg` is added to a name without an ending. Default `iot-connect.cfg`. */
  readonly file?: string | undefined
  /** `-c`: host of the cloud. */
  readonly cloud?: string | undefined
  /** `-p`: port of the cloud. */
  readonly port?: string | undefined
  /** `-t`: application token. Better in the environment: other users can see a command line. */
  readonly token?: string | undefined
  /** `--transport`: needed for ports other than 8883, 443 and 1883. */
  readonly transport?: string | undefined
  /** `-n`, `--no-validate`: accept any certificate. */
  readonly noValidate?: boolean | undefined
  /** `-s`, `--ssl-bundle`: PEM file of authorities to trust. */
  readonly sslBundle?: string | undefined
  readonly proxyType?: string | undefined
  readonly proxyHost?: string | undefined
  readonly proxyPort?: string | undefined
  readonly proxyUsername?: string | undefined
  readonly proxyPassword?: string | undefined
  readonly onpremFileXferHost?: string | undefined
  readonly onpremFileXferPort?: string | undefined
  /** `--force`: overwrite without asking, and take a bundle that is not there yet. */
  readonly force?: boolean | undefined
}

const defaultFile = 'iot-connect.cfg'

export const command: Command = {
  name: 'config generate',
  summary: 'Write a connection file; asks when run with no flags.',
  description:
    'The file gets mode 0600. Other users can see a command line: better give the token in DEVICE_CLOUD_CLOUD_TOKEN, or type it when asked.',
  flags: [
    { name: 'file', short: 'f', value: 'FILE', summary: `File to write (default ${defaultFile}).` },
    { name: 'cloud', short: 'c', value: 'HOST', summary: 'Host of the cloud.' },
    { name: 'port', short: 'p', value: 'PORT', summary: 'Port of the cloud: 8883, 443 or 1883.' },
    { name: 'token', short: 't', value: 'TOKEN', summary: 'Application token.' },
    { name: 'transport', value: 'NAME', summary: 'mqtts, wss or mqtt; needed for any other port.' },
    {
      name: 'no-validate',
      short: 'n',
      summary: 'Accept any certificate. Anybody on the way can then read everything.',
    },
    { name: 'ssl-bundle', short: 's', value: 'FILE', summary: 'PEM file of certificate authorities to trust.' },
    { name: 'proxy-type', value: 'TYPE', summary: 'HTTP, SOCKS4 or SOCKS5.' },
    { name: 'proxy-host', value: 'HOST', summary: 'Host of the proxy.' },
    { name: 'proxy-port', value: 'PORT', summary: 'Port of the proxy.' },
    { name: 'proxy-username', value: 'NAME', summary: 'User name for the proxy.' },
    { name: 'proxy-password', value: 'TEXT', summary: 'Password for the proxy.' },
    { name: 'onprem-file-xfer-host', value: 'HOST', summary: 'Host of the file service when it is another one.' },
    { name: 'onprem-file-xfer-port', value: 'PORT', summary: 'Port of the file service when it is not 443.' },
    { name: 'force', summary: 'Overwrite an existing file without asking, and name a bundle that is not there (yet).' },
  ],
  run: (invocation, terminal) => {
    const text = (flag: string) => invocation.value(flag)
    return configGenerate(
      {
        file: text('file'),
        cloud: text('cloud'),
        port: text('port'),
        token: text('token'),
        transport: text('transport'),
        noValidate: invocation.has('no-validate') || undefined,
        sslBundle: text('ssl-bundle'),
        proxyType: text('proxy-type'),
        proxyHost: text('proxy-host'),
        proxyPort: text('proxy-port'),
        proxyUsername: text('proxy-username'),
        proxyPassword: text('proxy-password'),
        onpremFileXferHost: text('onprem-file-xfer-host'),
        onpremFileXferPort: text('onprem-file-xfer-port'),
        force: invocation.has('force') || undefined,
      },
      configIo(terminal),
    )
  },
}

/**
 * `device-cloud config generate`: writes a connection file of mode 0600. Asks when run without flags.
 * The token is neither printed nor shown while it is typed. Returns the exit code.
 */
export async function configGenerate(flags: GenerateFlags, io: ConfigIo): Promise<number> {
  try {
    const { file, mayOverwrite, answers } = await collect(flags, io)
    answers.set('cloud.tls', 'modern')
    const settings = settingsOf(answers)
    const problems = [...checkConnectionSettings(settings), ...(await checkBundle(flags, io))]
    if (problems.length > 0) {
      for (const problem of problems) io.err(`device-cloud: ${formatProblem(withFlag(problem))}`)
      return 2
    }
    const written = await write(file, `${JSON.stringify(settings, null, 2)}\n`, mayOverwrite, io)
    io.out(written ? `Written: ${file.path} (mode 0600)` : 'Nothing was written.')
    return written ? 0 : 1
  } catch (error) {
    return printFailure(io, error)
  }
}

/** Which flag gives a setting: who typed a command line looks for that. */
const flagOf: Readonly<Record<string, string>> = {
  'cloud.host': '-c',
  'cloud.port': '-p',
  'cloud.token': '-t',
  'cloud.transport': '--transport',
  'cloud.file_xfer_host': '--onprem-file-xfer-host',
  'cloud.file_xfer_port': '--onprem-file-xfer-port',
  'proxy.type': '--proxy-type',
  'proxy.host': '--proxy-host',
  'proxy.port': '--proxy-port',
  'proxy.username': '--proxy-username',
  'proxy.password': '--proxy-password',
  ca_bundle_file: '--ssl-bundle',
}

function withFlag(problem: ConfigProblem): ConfigProblem {
  const flag = problem.key === undefined ? undefined : flagOf[problem.key]
  return flag === undefined ? problem : { ...problem, remedy: `${problem.remedy} Its flag is ${flag}.` }
}

/** A bundle that is not there would be found out by the device, at its first try to connect. */
async function checkBundle({ sslBundle, force }: GenerateFlags, io: ConfigIo): Promise<readonly ConfigProblem[]> {
  const problem = sslBundle ? await bundleProblem(resolve(sslBundle)) : undefined
  if (problem === undefined) return []
  if (force) io.err(`warning: ${formatProblem(problem)}`)
  return force
    ? []
    : [{ ...problem, remedy: 'Name a PEM file of certificates, or give --force if it will be there on the device.' }]
}

interface Collected {
  readonly file: FileToWrite
  readonly mayOverwrite: boolean
  readonly answers: PromptAnswers
}

async function collect(flags: GenerateFlags, io: ConfigIo): Promise<Collected> {
  const { file: name, force, ...given } = flags
  if (name === undefined && Object.values(given).every(value => value === undefined)) {
    if (io.ask === undefined) {
      const message = 'config generate needs -c HOST -p PORT -t TOKEN, or a terminal on which it can ask.'
      throw new AgentError('USAGE', message, { details: { command: 'config generate' } })
    }
    return askConnection(io.ask, { defaultFile, mayOverwrite: force === true })
  }
  const file = await fileToWrite(name ?? defaultFile)
  const answers: PromptAnswers = new Map()
  const set = (key: string, value: string | boolean | undefined) => {
    if (value !== undefined && value !== '') answers.set(key, value)
  }
  set('cloud.host', flags.cloud)
  set('cloud.port', flags.port)
  set('cloud.token', flags.token ?? (await findToken(io)))
  set('cloud.transport', flags.transport)
  set('cloud.file_xfer_host', flags.onpremFileXferHost)
  set('cloud.file_xfer_port', flags.onpremFileXferPort)
  set('validate_cloud_cert', flags.noValidate !== true)
  // The file may be in another folder than the one in which the name was typed.
  set('ca_bundle_file', flags.sslBundle === undefined ? undefined : resolve(flags.sslBundle))
  set('proxy.type', flags.proxyType)
  set('proxy.host', flags.proxyHost)
  set('proxy.port', flags.proxyPort)
  set('proxy.username', flags.proxyUsername)
  set('proxy.password', flags.proxyPassword)
  return { file, mayOverwrite: force === true, answers }
}

async function findToken(io: ConfigIo): Promise<string | undefined> {
  return io.environment[environmentName('cloud.token')] || (await io.ask?.('Cloud token: ', { hidden: true }))
}

/** What a new device begins with, so that it opens what it needs and no more; one that migrates has a file without it. */
const startValues: readonly (readonly [string, Json])[] = [
  ['cloud.tls', 'modern'],
  ['file_transfer.allow', []],
]

/** Nested as in the file; numbers as numbers where they are ones. */
function settingsOf(answers: PromptAnswers): JsonObject {
  const root: Record<string, Json> = {}
  const sections: Record<string, Record<string, Json>> = {}
  const start = startValues.filter(([key]) => settingsTable.some(setting => setting.key === key))
  for (const [key, answer] of [...answers, ...start]) {
    const isPort = key.endsWith('port') && typeof answer === 'string' && /^\s*\d+\s*$/.test(answer)
    const value = isPort ? Number(answer) : answer
    const [section = key, name] = key.split('.')
    if (name === undefined) root[section] = value
    else {
      const members = sections[section] ?? {}
      sections[section] = members
      members[name] = value
    }
  }
  return { ...sections, ...root }
}

async function write({ path, target, exists }: FileToWrite, text: string, mayOverwrite: boolean, io: ConfigIo) {
  if (!exists && (await createFile(target, text))) return true
  if (!mayOverwrite) {
    if (io.ask === undefined) {
      throw new AgentError('FILE_ACCESS', `${path} exists already`, {
        remedy: 'Use --force to overwrite it, or -f for another name.',
      })
    }
    const answer = await io.ask(`${path} exists already. Overwrite it? [y/N] `, { hidden: false })
    if (!/^y(?:es)?$/i.test(answer.trim())) return false
  }
  const lost = await lostPolicies(
    target,
    startValues.map(([key]) => key),
  )
  await replaceFile(target, text)
  if (lost.length > 0)
    io.err(
      `warning: the file that was there had ${lost.join(', ')}, and the new one has not: write it again to keep it`,
    )
  return true
}
