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
import { readBoundedText } from '../platform/read-file.ts'
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
    const { problems, warnings } = await inspect(target, io)
    if (flags.json) io.out(JSON.stringify({ ok: problems.length === 0, problems, warnings }))
    else {
      printWarnings(io, warnings)
      for (const problem of problems) io.err(formatProblem(problem))
      if (problems.length === 0) io.out(`The configuration in ${target.configDir} is fine.`)
    }
    return problems.length === 0 ? 0 : 3
  } catch (error) {
    return printFailure(io, error)
  }
}

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
  const client = await load(loadClientConfig({ ...target, environment }))
  const bundle = client?.settings.caBundleFile
  if (bundle !== undefined) problems.push(...(await checkBundle(bundle)))
  const manager = await load(loadManagerConfig({ ...target, environment }))
  if (client !== undefined && manager !== undefined) {
    warnings.push(...findPolicyRisks(client, manager.settings))
    const { configDir } = target
    const { runtimeDir } = manager.settings
    const owned = await ownershipClosures({ configDir, connection: client, own: { file: manager }, runtimeDir })
    problems.push(...new Set(owned.map(({ problem }) => problem)))
  }
  await load(loadAttributesFile(target))
  await load(findIdentity(target))
  return { problems, warnings }
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
