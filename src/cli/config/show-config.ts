// SPDX-License-Identifier: Apache-2.0
import type { EffectiveSetting } from '../../config/effective.ts'
import { findIdentity } from '../../config/identity.ts'
import { loadClientConfig } from '../../config/load.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import { findPolicyRisks } from '../../config/policy.ts'
import type { Origin } from '../../config/settings.ts'
import { type ConfigIo, type ConfigTarget, printFailure, printNotes, problemsOf, warningsOf } from './config-io.ts'

/** `device-cloud config show`: the effective settings with the origin of each, secrets hidden. Returns 0, or 3 for a wrong configuration. */
export async function showConfig(target: ConfigTarget, io: ConfigIo): Promise<number> {
  try {
    const shown = await effectiveConfig(target, io)
    if (target.json) io.out(JSON.stringify(jsonOf(shown)))
    else print(shown, io)
    return shown.problems.length === 0 ? 0 : 3
  } catch (error) {
    const problems = problemsOf(error)
    if (problems === undefined) return printFailure(io, error)
    printNotes(io, warningsOf(error), problems)
    return 3
  }
}

type Shown = Awaited<ReturnType<typeof effectiveConfig>>

async function effectiveConfig(target: ConfigTarget, { environment }: ConfigIo) {
  const client = await loadClientConfig({ ...target, environment })
  const manager = await loadManagerConfig({ ...target, environment })
  const identity = await findIdentity(target)
  const risks = findPolicyRisks(client, manager.settings)
  const warnings = [...client.warnings, ...manager.warnings, ...risks].filter(note => note.level === 'warn')
  const problems = [...client.closures, ...manager.closures].map(({ problem }) => problem)
  const services = manager.settings.remoteAccessSupport.map(service => service.raw)
  return { client, manager, identity, services, warnings, problems }
}

function jsonOf({ client, manager, identity, services, warnings, problems }: Shown): object {
  const { deviceId, thingKey } = identity ?? {}
  const { effective: connection } = client
  return { deviceId, thingKey, connection, manager: manager.effective, services, warnings, problems }
}

function print({ client, manager, identity, services, warnings, problems }: Shown, io: ConfigIo): void {
  printNotes(io, warnings, problems)
  io.out(`device_id = ${identity?.deviceId ?? '(made at the first start)'}`)
  if (identity !== undefined) io.out(`thing key = ${identity.thingKey}`)
  printRows(io, client.path, client.effective)
  printRows(io, manager.path, manager.effective)
  io.out(`remote_access_support = ${JSON.stringify(services)}`)
}

function printRows(io: ConfigIo, path: string, rows: readonly EffectiveSetting[]): void {
  io.out('')
  io.out(`# ${path}`)
  for (const { key, value, origin } of rows) {
    io.out(value === undefined ? `${key} is not set` : `${key} = ${JSON.stringify(value)}  (${describe(origin)})`)
  }
}

function describe(origin: Origin | undefined): string {
  switch (origin?.source) {
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'environment':
      return origin.name
    case 'given':
      return origin.by
    case 'derived':
      return `by ${origin.from}`
    case 'closed':
      return `closed by a mistake in ${origin.from}`
    default:
      return 'default'
  }
}
