// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError, messageOf, withoutStop } from '../../base/errors.ts'
import { settingsTable } from '../../config/table.ts'
import { checkValue, expectation } from '../../config/value.ts'
import type { ConfigIo } from './config-io.ts'
import type { PromptAnswers } from './connection-flags.ts'
import { type FileToWrite, fileToWrite } from './file-to-write.ts'
import { bundleProblem } from './usable-bundle.ts'

type Ask = NonNullable<ConfigIo['ask']>

/** The question about the file to write. */
interface FileQuestion {
  readonly defaultFile: string
  /** Whether an existing file may be overwritten without asking. */
  readonly mayOverwrite: boolean
}

const maxTries = 5
const knownPorts = ['8883', '443', '1883']

/** Asks for everything that a connection file needs, in the order of the Python agent's generator, and again after a wrong answer. */
export async function askConnection(
  ask: Ask,
  options: FileQuestion,
): Promise<{ file: FileToWrite; mayOverwrite: boolean; answers: PromptAnswers }> {
  const answers: PromptAnswers = new Map()
  const put = async (key: string, question: string, isRequired: boolean, byDefault?: string) => {
    const answer = await askValue(ask, key, question, isRequired, byDefault)
    if (answer !== undefined) answers.set(key, answer)
    return answer
  }
  const file = await askFile(ask, options)
  await put('cloud.host', 'Cloud host', true)
  const port = await put('cloud.port', 'Cloud port (8883, 443 or 1883)', true, '8883')
  if (!knownPorts.includes(port ?? '')) await put('cloud.transport', 'Transport (mqtts, wss or mqtt)', true, 'mqtts')
  await put('cloud.token', 'Cloud token (not shown)', true)
  answers.set('validate_cloud_cert', await askYes(ask, 'Check the certificate of the cloud', true))
  const bundle = await askBundle(ask)
  if (bundle !== undefined) answers.set('ca_bundle_file', bundle)
  if (await askYes(ask, 'Use a proxy', false)) {
    await put('proxy.type', 'Proxy type (HTTP, SOCKS4 or SOCKS5)', true)
    await put('proxy.host', 'Proxy host', true)
    await put('proxy.port', 'Proxy port', true)
    const username = await put('proxy.username', 'Proxy user name (empty: none)', false)
    if (username !== undefined) await put('proxy.password', 'Proxy password (not shown; empty: none)', false)
  }
  // The person was asked about an existing file before everything else, and agreed.
  return { file, mayOverwrite: true, answers }
}

/** Asked first, so that a file that cannot be written does not waste all the other answers. */
async function askFile(ask: Ask, { defaultFile, mayOverwrite }: FileQuestion): Promise<FileToWrite> {
  let remark = ''
  for (let tries = 0; tries < maxTries; tries++) {
    const name = (await ask(`${remark}File to write [${defaultFile}]: `, { hidden: false })).trim() || defaultFile
    try {
      const file = await fileToWrite(name)
      if (!file.exists || mayOverwrite) return file
      if (await askYes(ask, `${file.path} exists already. Overwrite it`, false)) return file
      remark = ''
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'ABORTED') throw error
      remark = `Nothing can be written there: ${withoutStop(messageOf(error))}. `
    }
  }
  throw noAnswer('File to write')
}

async function askBundle(ask: Ask): Promise<string | undefined> {
  let remark = ''
  for (let tries = 0; tries < maxTries; tries++) {
    const question = `${remark}Certificate bundle (empty: the built-in one)`
    const answer = await askValue(ask, 'ca_bundle_file', question, false)
    if (answer === undefined) return undefined
    const path = resolve(answer)
    const found = await bundleProblem(path)
    if (found === undefined) return path
    remark = `${path} ${found.problem.replace(/\.$/, '')}. `
  }
  throw noAnswer('Certificate bundle')
}

async function askValue(
  ask: Ask,
  key: string,
  question: string,
  isRequired: boolean,
  byDefault?: string,
): Promise<string | undefined> {
  const setting = settingsTable.find(row => row.key === key && row.file === 'connect')
  if (setting === undefined) throw new AgentError('INTERNAL', `There is no setting ${key}.`)
  const hidden = setting.secret === true
  const shownDefault = byDefault === undefined ? '' : ` [${byDefault}]`
  let remark = ''
  for (let tries = 0; tries < maxTries; tries++) {
    const typed = await ask(`${remark}${question}${shownDefault}: `, { hidden })
    // Only the white space around a pasted token is removed.
    const answer = typed.trim() || byDefault || ''
    if (answer === '' && !isRequired) return undefined
    if (answer !== '' && checkValue(setting, answer, { baseFolder: '/', fromEnvironment: true }).ok) return answer
    remark = `Please enter ${expectation(setting.type)}. `
  }
  throw noAnswer(question)
}

async function askYes(ask: Ask, question: string, byDefault: boolean): Promise<boolean> {
  for (let tries = 0; tries < maxTries; tries++) {
    const answer = (await ask(`${question}? ${byDefault ? '[Y/n]' : '[y/N]'} `, { hidden: false })).trim()
    if (answer === '') return byDefault
    if (/^(?:y|yes|t|true)$/i.test(answer)) return true
    if (/^(?:n|no|f|false)$/i.test(answer)) return false
  }
  throw noAnswer(question)
}

function noAnswer(question: string): AgentError {
  return new AgentError(
    'USAGE',
    `There was no usable answer to "${question}" in ${maxTries} tries. Nothing was written.`,
    {
      details: { command: 'config generate' },
    },
  )
}
