import type { Settings } from '../../../config/settings.ts'
import { ownPrograms } from '../../../platform/process/own-executable.ts'
import type { OwnThings } from './protected-places.ts'

/** Where the agent's own things are, from its settings and its process. */
export function ownThings(parts: {
  readonly configDir: string
  readonly connectionFile: string
  readonly runtimeFolder: string
  readonly settings: Settings
}): OwnThings {
  const { settings, ...places } = parts
  return {
    ...places,
    settingFiles: settings.caBundleFile === undefined ? [] : [settings.caBundleFile],
    logFile: settings.logFile,
    queueFolder: settings.queue.directory,
    programs: ownPrograms(),
  }
}
