import { resolve } from 'node:path'
import { loadAttributesFile } from '../config/attributes-file.ts'
import type { Closure } from '../config/closure.ts'
import { findIdentity } from '../config/identity.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { findPolicyRisks } from '../config/policy.ts'
import type { ConfigNote, ConfigProblem } from '../config/settings.ts'
import { formatProblem } from '../config/values.ts'
import { ownershipClosures } from '../manager/configuration/commands.ts'
import { type ServiceUser, serviceUser } from '../manager/service/commands.ts'
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
  warningsOf,
  withDefaults,
} from './config-io.ts'
import { configIo } from './config-terminal.ts'
import { bundleProblem } from './usable-bundle.ts'

export const command: Command = {
  name: 'config check',
  summary: 'Name every mistake in the configuration, with its file, line and remedy.',
  flags: [...targetFlags, { name: 'strict', summary: 'Fail also for what deserves no more than a warning.' }],
  run: (invocation, terminal) =>
    configCheck({ ...targetIn(invocation), strict: invocation.has('strict') }, configIo(terminal)),
}

/**
 * `device-cloud config check`: every mistake of every configuration file, one a line. Changes nothing. Returns 0, or 3 when
 * something is wrong; with `strict` a warning is enough.
 */
export async function configCheck(
  flags: ConfigTarget & { readonly json?: boolean; readonly strict?: boolean },
  io: ConfigIo,
): Promise<number> {
  try {
    const target = withDefaults(flags)
    const { problems, warnings, user } = await inspect(target, io)
    const isFine = problems.length === 0 && !(flags.strict && warnings.length > 0)
    if (flags.json) io.out(JSON.stringify({ ok: isFine, problems, warnings }))
    else {
      printWarnings(io, warnings)
      for (const problem of problems) io.err(formatProblem(problem))
      const folder = resolve(target.configDir)
      const counted = warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`
      const besides = warnings.length === 0 ? '' : `, with ${counted}`
      if (isFine) io.out(`The configuration in ${folder} is fine${forWhom(user)}${besides}.`)
      else if (problems.length === 0) io.err(`The configuration in ${folder} has ${counted}, and --strict takes none.`)
    }
    return isFine ? 0 : 3
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
      warnings.push(...warningsOf(error))
      return undefined
    }
  }
  const { environment } = io
  let user: ServiceUser | undefined
  const client = await load(loadClientConfig({ ...target, environment }))
  const bundle = client?.settings.caBundleFile
  const ofBundle = bundle === undefined ? undefined : await bundleProblem(bundle)
  if (ofBundle !== undefined) problems.push(ofBundle)
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
