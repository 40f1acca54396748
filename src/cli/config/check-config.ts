// SPDX-License-Identifier: Apache-2.0
import { loadAttributesFile } from '../../config/attributes-file.ts'
import type { Closure } from '../../config/closure.ts'
import { findIdentity } from '../../config/identity.ts'
import { type ClientConfig, loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig, type ManagerConfig } from '../../config/manager-config.ts'
import { findPolicyRisks } from '../../config/policy.ts'
import type { ConfigNote, ConfigProblem } from '../../config/settings.ts'
import { ownershipClosures } from '../../manager/configuration/commands.ts'
import { type ServiceUser, serviceUser } from '../../manager/service/commands.ts'
import { missingAllowedFolders } from './allowed-folders.ts'
import { type ConfigIo, type ConfigTarget, printFailure, printNotes, problemsOf, warningsOf } from './config-io.ts'
import { bundleProblem } from './usable-bundle.ts'

/**
 * `device-cloud config check`: every mistake of every configuration file, one a line. Changes nothing. Returns 0, or 3 on a mistake,
 * with `strict` also on a warning.
 */
export async function checkConfig(
  target: ConfigTarget & { readonly strict?: boolean | undefined },
  io: ConfigIo,
): Promise<number> {
  try {
    const { problems, warnings, user } = await inspect(target, io)
    const isFine = problems.length === 0 && !(target.strict && warnings.length > 0)
    if (target.json) io.out(JSON.stringify({ ok: isFine, problems, warnings }))
    else {
      printNotes(io, warnings, problems)
      const counted = warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`
      const besides = warnings.length === 0 ? '' : `, with ${counted}`
      const subject = `The configuration in ${target.configDir}`
      if (isFine) io.out(`${subject} is fine${forWhom(user)}${besides}.`)
      else if (problems.length === 0) io.err(`${subject} has ${counted}, and --strict allows none.`)
    }
    return isFine ? 0 : 3
  } catch (error) {
    return printFailure(io, error)
  }
}

function forWhom(user: ServiceUser | undefined): string {
  return user === undefined ? '' : ` for ${user.name}, who runs the device manager`
}

/** What was found in all the files so far. */
class Findings {
  readonly problems: ConfigProblem[] = []
  readonly warnings: ConfigNote[] = []

  /** What `work` loads, with its mistakes and warnings noted; undefined when it cannot be loaded. */
  async of<Loaded extends { readonly warnings: readonly ConfigNote[]; readonly closures?: readonly Closure[] }>(
    work: Promise<Loaded | undefined>,
  ): Promise<Loaded | undefined> {
    try {
      const loaded = await work
      this.problems.push(...(loaded?.closures ?? []).map(({ problem }) => problem))
      this.warnings.push(...(loaded?.warnings ?? []).filter(note => note.level === 'warn'))
      return loaded
    } catch (error) {
      const problems = problemsOf(error)
      if (problems === undefined) throw error
      this.problems.push(...problems)
      this.warnings.push(...warningsOf(error))
      return undefined
    }
  }
}

async function inspect(target: ConfigTarget, { environment }: ConfigIo) {
  const findings = new Findings()
  const { problems, warnings } = findings
  const client = await findings.of(loadClientConfig({ ...target, environment }))
  const bundle = client?.settings.caBundleFile
  const ofBundle = bundle === undefined ? undefined : await bundleProblem(bundle)
  if (ofBundle !== undefined) problems.push(ofBundle)
  const manager = await findings.of(loadManagerConfig({ ...target, environment }))
  const user = client && manager && (await inspectTogether(target.configDir, client, manager, findings))
  await findings.of(loadAttributesFile(target))
  await findings.of(findIdentity(target))
  return { problems, warnings, user }
}

const allowKey = 'file_transfer.allow'

/** What only both files together show. Resolves to the user of the device manager, where that is not the one who asks. */
async function inspectTogether(
  configDir: string,
  client: ClientConfig,
  manager: ManagerConfig,
  { problems, warnings }: Findings,
): Promise<ServiceUser | undefined> {
  warnings.push(...findPolicyRisks(client, manager.settings))
  warnings.push(...(await missingAllowedFolders(client.settings.fileTransfer.allow, client.origins.get(allowKey))))
  const { runtimeDir } = manager.settings
  const user = await serviceUser(runtimeDir)
  const owned = await ownershipClosures({
    configDir,
    connection: client,
    own: { file: manager },
    runtimeDir,
    self: user?.identity,
  })
  problems.push(...new Set(owned.map(({ problem }) => problem)))
  return user
}
