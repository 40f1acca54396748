import { resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import { loadAttributesFile } from '../config/attributes-file.ts'
import type { Closure } from '../config/closure.ts'
import { findIdentity } from '../config/identity.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { findPolicyRisks } from '../config/policy.ts'
import type { ConfigNote, ConfigProblem } from '../config/settings.ts'
import { formatProblem } from '../config/values.ts'
import { ownershipClosures } from '../manager/ownership.ts'
import { type ServiceUser, serviceUser } from '../manager/service-user.ts'
import { readBoundedText } from '../platform/read-file.ts'
import { foldersThatLeadNowhere } from './allowed-folders.ts'
import type { Command } from './command.ts'
import {
  type ConfigIo,
  type ConfigTarget,
  printFailure,
  printWarnings,
  problemsOf,
  targetFlags,
  targetIn,
  withDefaults,
} from './config-io.ts'
import { configIo } from './config-terminal.ts'

export const command: Command = {
  name: 'config check',
  summary: 'Name every mistake in the configuration, with its file, line and remedy.',
  flags: targetFlags,
  run: (invocation, terminal) => configCheck(targetIn(invocation), configIo(terminal)),
}

/** `device-cloud config check`: every mistake of every configuration file, one a line. Changes nothing. Returns 0, or 3 when something is wrong. */
export async function configCheck(flags: ConfigTarget & { readonly json?: boolean }, io: ConfigIo): Promise<number> {
  try {
    const target = withDefaults(flags)
    const { problems, warnings, user } = await inspect(target, io)
    if (flags.json) io.out(JSON.stringify({ ok: problems.length === 0, problems, warnings }))
    else {
      printWarnings(io, warnings)
      for (const problem of problems) io.err(formatProblem(problem))
      if (problems.length === 0) io.out(`The configuration in ${resolve(target.configDir)} is fine${forWhom(user)}.`)
    }
    return problems.length === 0 ? 0 : 3
  } catch (error) {
    return printFailure(io, error)
  }
}

function forWhom(user: ServiceUser | undefined): string {
  return user === undefined ? '' : ` for ${user.name}, who runs the device manager`
}

const allowKey = 'file_transfer.allow'

interface Readings {
  readonly warnings: readonly ConfigNote[]
  readonly closures?: readonly Closure[]
}

async function inspect(target: ReturnType<typeof withDefaults>, io: ConfigIo) {
  const problems: ConfigProblem[] = []
  const warnings: ConfigNote[] = []
  const load = async <Loaded extends Readings>(work: Promise<Loaded | undefined>) => {
    try {
      const loaded = await work
      problems.push(...(loaded?.closures ?? []).map(({ problem }) => problem))
      warnings.push(...(loaded?.warnings ?? []).filter(note => note.level === 'warn'))
      return loaded
    } catch (error) {
      const found = problemsOf(error)
      if (found === undefined) throw error
      problems.push(...found)
      return undefined
    }
  }
  const { environment } = io
  let user: ServiceUser | undefined
  const client = await load(loadClientConfig({ ...target, environment }))
  const bundle = client?.settings.caBundleFile
  if (bundle !== undefined) problems.push(...(await checkBundle(bundle)))
  const manager = await load(loadManagerConfig({ ...target, environment }))
  if (client !== undefined && manager !== undefined) {
    warnings.push(...findPolicyRisks(client, manager.settings))
    warnings.push(...(await foldersThatLeadNowhere(client.settings.fileTransfer.allow, client.origins.get(allowKey))))
    const { configDir } = target
    const { runtimeDir } = manager.settings
    user = await serviceUser(runtimeDir)
    const self = user === undefined ? {} : { self: user.identity }
    const owned = await ownershipClosures({
      configDir,
      connection: client,
      own: { file: manager },
      runtimeDir,
      ...self,
    })
    problems.push(...new Set(owned.map(({ problem }) => problem)))
  }
  await load(loadAttributesFile(target))
  await load(findIdentity(target))
  return { problems, warnings, user }
}

const mostBundleBytes = 16 * 1024 * 1024

async function checkBundle(path: string): Promise<ConfigProblem[]> {
  const key = 'ca_bundle_file'
  const remedy = 'Name a PEM file of certificates, or remove the setting to use the built-in ones.'
  try {
    const text = await readBoundedText(path, mostBundleBytes)
    if (text.includes('-----BEGIN CERTIFICATE-----')) return []
    return [{ file: path, key, problem: 'names a file without a certificate in PEM form', remedy }]
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return [{ file: path, key, problem: `names a file that is of no use: ${error.message}`, remedy }]
  }
}
