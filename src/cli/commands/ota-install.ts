// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { formatLogRecord, Log } from '../../base/log.ts'
import { findIdentity } from '../../config/identity.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import { formatProblem } from '../../config/values.ts'
import { ownershipClosures } from '../../manager/configuration/commands.ts'
import { installLocally } from '../../manager/ota/commands.ts'
import { serviceUser } from '../../manager/service/commands.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { onSignals } from '../../platform/process/signals.ts'
import { configDirFlag, configDirOf, configFileFlag, configPlaceOf } from '../config/config-flags.ts'
import { type OtaRules, otaRules } from '../config/ota-rules.ts'
import { operand } from '../shell/args.ts'
import type { Command, Invocation } from '../shell/command.ts'

export const command: Command = {
  name: 'ota install',
  summary: 'Install an update package on this device, without a cloud.',
  description:
    'Takes the same steps as an update from the cloud. It needs no running device manager, and does not disturb one. ' +
    'After an interruption, the next start of the device manager or of this command continues the installation.',
  operands: [{ name: 'PACKAGE' }],
  flags: [
    {
      name: 'extra-params',
      short: 'x',
      value: 'TEXT',
      summary: 'Value of HDC_EXTRA_PARAMS for the scripts of the package.',
    },
    {
      name: 'unsigned',
      summary: 'Install an unsigned package where no connection file gives the requirements.',
    },
    configFileFlag,
    configDirFlag,
  ],
  async run(invocation, terminal) {
    const { rules, config: connection } = await rulesOf(invocation)
    const configDir = configDirOf(invocation)
    const manager = await loadManagerConfig({ configDir, environment: processEnvironment() })
    const { runtimeDir } = manager.settings
    const user = await serviceUser(runtimeDir)
    if (user !== undefined) throw notAsRoot(user.name, configDir)
    const [weak] = await ownershipClosures({ configDir, connection, own: { file: manager }, runtimeDir })
    if (weak !== undefined)
      throw new AgentError('POLICY_REFUSED', `Nothing is installed: ${formatProblem(weak.problem)}`)
    const log = Log.create({ clock: systemClock, sink: record => terminal.err(`${formatLogRecord(record)}\n`) })
    const stopping = new AbortController()
    const unlisten = onSignals({ stop: () => stopping.abort(), reload: () => {} })
    try {
      const failure = await installLocally({
        path: resolve(operand(invocation, 0)),
        extraParams: invocation.value('extra-params') ?? '',
        runtimeDir,
        rules,
        deviceId: async () => (await findIdentity({ configDir, appId: '' }))?.deviceId,
        clock: systemClock,
        log,
        signal: stopping.signal,
      })
      if (failure === undefined) return 0
      throw new AgentError(failure.refused ? 'POLICY_REFUSED' : 'EXECUTION_FAILED', failure.text)
    } finally {
      unlisten()
    }
  },
}

/** Root trusts only its own files, and these belong to that user. Giving them to root would lock the manager out. */
function notAsRoot(user: string, configDir: string): AgentError {
  const command = `su -s /bin/sh ${user} -c 'device-cloud ota install PACKAGE -c ${resolve(configDir)}'`
  return new AgentError(
    'POLICY_REFUSED',
    `Nothing is installed: ${user} runs the device manager of this configuration, and could change what root would run. ` +
      `Call software_update from the cloud. To install it as ${user}, run: ${command}`,
  )
}

/**
 * What the owner of the device requires. A missing connection file may have been moved away, or its owner may require nothing: only
 * --unsigned decides that. It does not override requirements that are given.
 */
async function rulesOf(invocation: Invocation): Promise<OtaRules> {
  const found = await otaRules(invocation)
  if (found.isGiven || invocation.has('unsigned')) return found
  const { path } = found.config
  const { alsoTried = [] } = configPlaceOf(invocation)
  const elsewhere = alsoTried.length === 0 ? '' : `, and none in ${alsoTried.join(' and ')},`
  throw new AgentError(
    'POLICY_REFUSED',
    `There is no connection file ${path}${elsewhere} to say in ota.public_keys and ota.require_signature which packages this device ` +
      'accepts. Name its folder with --config-dir, or give --unsigned to install an unsigned package.',
    { details: { path } },
  )
}
