// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import { checkConnectionSettings } from '../../config/load.ts'
import type { ConfigProblem } from '../../config/settings.ts'
import { environmentName, settingsTable } from '../../config/table.ts'
import { formatProblem } from '../../config/values.ts'
import { createFile, replaceFile } from '../../platform/files/write-file.ts'
import type { Invocation } from '../shell/command.ts'
import { defaultConnectionFile } from './config-flags.ts'
import { type ConfigIo, printFailure } from './config-io.ts'
import { askConnection } from './config-questions.ts'
import { answersIn, hasConnectionFlag, type PromptAnswers, withFlag } from './connection-flags.ts'
import { type FileToWrite, fileToWrite } from './file-to-write.ts'
import { lostPolicies } from './lost-policies.ts'
import { bundleProblem } from './usable-bundle.ts'

/** The flags `file` and `force`, and those of the settings. */
type GenerateFlags = Pick<Invocation, 'has' | 'value'>

/**
 * `device-cloud config generate`: writes a connection file of mode 0600. Asks when run without flags.
 * The token is neither printed nor shown while it is typed. Returns the exit code.
 */
export async function generateConfig(flags: GenerateFlags, io: ConfigIo): Promise<number> {
  try {
    const { file, mayOverwrite, answers } = await collect(flags, io)
    const settings = settingsOf(answers)
    const problems = [
      ...checkConnectionSettings(settings),
      ...(await checkBundle(answers.get('ca_bundle_file'), flags.has('force'), io)),
    ]
    if (problems.length > 0) {
      for (const problem of problems) io.err(`device-cloud: ${formatProblem(withFlag(problem))}`)
      return 2
    }
    const isWritten = await write(file, `${JSON.stringify(settings, null, 2)}\n`, mayOverwrite, io)
    io.out(isWritten ? `Written: ${file.path} (mode 0600)` : 'Nothing was written.')
    return isWritten ? 0 : 1
  } catch (error) {
    return printFailure(io, error)
  }
}

/** Checked here, because the device would find an unusable bundle only when it first connects. */
async function checkBundle(
  path: string | boolean | undefined,
  isForced: boolean,
  io: ConfigIo,
): Promise<readonly ConfigProblem[]> {
  const problem = typeof path === 'string' ? await bundleProblem(path) : undefined
  if (problem === undefined) return []
  if (isForced) io.err(`warning: ${formatProblem(problem)}`)
  return isForced
    ? []
    : [{ ...problem, remedy: 'Name a PEM file of certificates, or give --force if the device will have the file.' }]
}

interface Collected {
  readonly file: FileToWrite
  readonly mayOverwrite: boolean
  readonly answers: PromptAnswers
}

async function collect(flags: GenerateFlags, io: ConfigIo): Promise<Collected> {
  const [name, mayOverwrite] = [flags.value('file'), flags.has('force')]
  if (name === undefined && !hasConnectionFlag(flags)) {
    if (io.ask === undefined) {
      const message = 'config generate needs -c HOST -p PORT -t TOKEN, or a terminal on which it can ask.'
      throw new AgentError('USAGE', message, { details: { command: 'config generate' } })
    }
    return askConnection(io.ask, { defaultFile: defaultConnectionFile, mayOverwrite })
  }
  // The file first, so that the operator does not type a token for a file that cannot be written.
  const file = await fileToWrite(name ?? defaultConnectionFile)
  const answers = answersIn(flags)
  const token = flags.value('token') === undefined ? await findToken(io) : undefined
  if (token) answers.set('cloud.token', token)
  return { file, mayOverwrite, answers }
}

async function findToken(io: ConfigIo): Promise<string | undefined> {
  return io.environment[environmentName('cloud.token')] || (await io.ask?.('Cloud token: ', { hidden: true }))
}

/** What a new device starts with, so that it permits only what it needs. A file of the Python agent has neither. */
const startValues: readonly (readonly [string, Json])[] = [
  ['cloud.tls', 'modern'],
  ['file_transfer.allow', []],
]

/** Nested as in the file, with ports as numbers where they are numbers. */
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

/** Resolves to whether the file was written: the person at the terminal may refuse to overwrite one. */
async function write({ path, target, exists }: FileToWrite, text: string, mayOverwrite: boolean, io: ConfigIo) {
  if (!exists && (await createFile(target, text))) return true
  if (!mayOverwrite && !(await mayReplace(path, io))) return false
  const lost = await lostPolicies(
    target,
    startValues.map(([key]) => key),
  )
  await replaceFile(target, text)
  if (lost.length > 0)
    io.err(`warning: the old file had ${lost.join(', ')}, and the new one does not. Add what you want to keep.`)
  return true
}

async function mayReplace(path: string, { ask }: ConfigIo): Promise<boolean> {
  if (ask === undefined) {
    throw new AgentError('FILE_ACCESS', `${path} exists already.`, {
      remedy: 'Use --force to overwrite it, or -f for another name.',
    })
  }
  const answer = await ask(`${path} exists already. Overwrite it? [y/N] `, { hidden: false })
  return /^y(?:es)?$/i.test(answer.trim())
}
