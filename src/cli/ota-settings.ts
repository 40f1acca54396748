import { loadClientConfig } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { processEnvironment } from '../platform/process-facts.ts'

/** The `ota` settings of a device that need not know a cloud: without a connection file those of the environment, else the defaults. */
export async function otaSettings(configDir: string, configFile: string): Promise<Settings['ota']> {
  const environment = processEnvironment()
  const place = { appId: 'device_manager', configDir, configFile, settings: {}, environment, offline: true }
  return (await loadClientConfig(place)).settings.ota
}
