import { resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { formatLogRecord, Log } from '../base/log.ts'
import { findIdentity } from '../config/identity.ts'
import { loadManagerConfig } from '../config/manager-config.ts'
import { installLocally } from '../manager/ota/local-install.ts'
import { processEnvironment } from '../platform/process-facts.ts'
import { onSignals } from '../platform/signals.ts'
import type { Command } from './command.ts'
import { configDirFlag, configFileFlag, configPlaceOf } from './config-flags.ts'
import { otaSettings } from './ota-settings.ts'
import { operand } from './words.ts'

export const command: Command = {
  name: 'ota install',
  summary: 'Install an update package of this device, without a cloud.',
  description:
    'The same steps as an update from the cloud. A running device manager is not needed and not disturbed. ' +
    'When it is cut off, the next start of the device manager, or of this command, goes on with it.',
  operands: [{ name: 'PACKAGE' }],
  flags: [
    { name: 'extra-params', short: 'x', value: 'TEXT', summary: 'HDC_EXTRA_PARAMS of the scripts.' },
    configFileFlag,
    configDirFlag,
  ],
  async run(invocation, terminal) {
    const { configDir, configFile } = configPlaceOf(invocation)
    const { settings } = await loadManagerConfig({ configDir, environment: processEnvironment() })
    const rules = await otaSettings(configDir, configFile)
    const log = Log.create({ clock: systemClock, sink: record => terminal.err(`${formatLogRecord(record)}\n`) })
    const stopping = new AbortController()
    const unlisten = onSignals({ stop: () => stopping.abort(), reload: () => {} })
    try {
      const failure = await installLocally({
        path: resolve(operand(invocation, 0)),
        extraParams: invocation.value('extra-params') ?? '',
        runtimeDir: settings.runtimeDir,
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
