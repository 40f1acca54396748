import { type ClientConfig, loadClientConfig } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import { processEnvironment } from '../platform/process-facts.ts'

/** The `ota` settings of a device that need not know a cloud: without a connection file those of the environment, else the defaults. */
export async function otaSettings(configDir: string, configFile: string): Promise<Settings['ota']> {
  return (await otaConfig(configDir, configFile)).settings.ota
}

/** The connection configuration of such a device, with the file that it came from. */
export function otaConfig(configDir: string, configFile: string): Promise<ClientConfig> {
  const environment = processEnvironment()
  const place = { appId: 'device_manager', configDir, configFile, settings: {}, environment, offline: true }
  return loadClientConfig(place)
}
