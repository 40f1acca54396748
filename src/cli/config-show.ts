import type { EffectiveSetting } from '../config/effective.ts'
import { findIdentity } from '../config/identity.ts'
import { loadClientConfig } from '../config/load.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { findPolicyRisks } from '../config/policy.ts'
import type { Origin } from '../config/settings.ts'
import { formatProblem } from '../config/values.ts'
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

export const command: Command = {
  name: 'config show',
  summary: 'Print the effective settings and where each comes from, secrets hidden.',
  flags: targetFlags,
  run: (invocation, terminal) => configShow(targetIn(invocation), configIo(terminal)),
}

/** `device-cloud config show`: the effective settings with the origin of each, secrets hidden. Returns 0, or 3 when something is wrong. */
export async function configShow(flags: ConfigTarget & { readonly json?: boolean }, io: ConfigIo): Promise<number> {
  try {
    const target = withDefaults(flags)
    const { environment } = io
    const client = await loadClientConfig({ ...target, environment })
    const manager = await loadManagerConfig({ ...target, environment })
    const identity = await findIdentity(target)
    const risks = findPolicyRisks(client, manager.settings)
    const warnings = [...client.warnings, ...manager.warnings, ...risks].filter(note => note.level === 'warn')
    const problems = [...client.closures, ...manager.closures].map(({ problem }) => problem)
    const code = problems.length === 0 ? 0 : 3
    const services = manager.settings.remoteAccessSupport.map(service => service.raw)
    if (flags.json) {
      const { deviceId, thingKey } = identity ?? {}
      const connection = client.effective
      io.out(
        JSON.stringify({ deviceId, thingKey, connection, manager: manager.effective, services, warnings, problems }),
      )
      return code
    }
    printWarnings(io, warnings)
    for (const problem of problems) io.err(formatProblem(problem))
    io.out(`device_id = ${identity?.deviceId ?? '(made at the first start)'}`)
    if (identity !== undefined) io.out(`thing key = ${identity.thingKey}`)
    printRows(io, client.path, client.effective)
    printRows(io, manager.path, manager.effective)
    io.out(`remote_access_support = ${JSON.stringify(services)}`)
    return code
  } catch (error) {
    const problems = problemsOf(error)
    if (problems === undefined) return printFailure(io, error)
    printWarnings(io, warningsOf(error))
    for (const problem of problems) io.err(formatProblem(problem))
    return 3
  }
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
