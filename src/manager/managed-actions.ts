import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Client } from '../client/client.ts'
import { transfersOf } from '../client/files.ts'
import { carryOutPower, type PowerAction, type PowerOptions, planPower } from '../platform/process/power.ts'
import {
  type ManagedAction,
  type PowerSwitch,
  pingAction,
  quitAction,
  rebootAction,
  resetAgentAction,
  shutdownAction,
} from './actions/index.ts'
import { decommissionAction } from './decommission/index.ts'
import { relayVersion, remoteAccessInfoAction } from './device-facts/index.ts'
import { type OpenRelay, remoteAccessAction } from './relay/index.ts'
import type { RootSide } from './root/index.ts'
import type { RuntimeFolder } from './runtime-folder.ts'
import {
  archiveFolder,
  type BackgroundWork,
  fileDownloadAction,
  fileUploadAction,
  type Reach,
  snapshotsOf,
  type TransferSettings,
  withClosedPaths,
} from './transfers/index.ts'

/** What the actions are made of. */
export interface ActionParts {
  readonly client: Client
  readonly clock: Clock
  readonly log: Log
  readonly runtime: RuntimeFolder
  readonly background: BackgroundWork
  /** Settings of the file actions; looked up at each call. */
  readonly transferSettings: () => TransferSettings
  /** Why no absolute path is allowed, whatever is named; undefined when that is not closed. */
  readonly whyPathsClosed: () => string | undefined
  /** Why no file action works, not even in the runtime folder; undefined when that is not closed. */
  readonly whyRuntimeClosed: () => string | undefined
  readonly reach: Reach
  readonly refreshRemoteAccess: () => Promise<string>
  readonly openRelay: OpenRelay
  readonly softwareUpdate: ManagedAction
  readonly quit: () => void
  readonly restart: () => void
  readonly forget: () => void
  readonly powerOptions: PowerOptions
  /** Of a manager that is not root. */
  readonly rootSide: RootSide | undefined
}

/** The actions of the device manager [TR50 4.5]. */
export function managedActions(parts: ActionParts): readonly ManagedAction[] {
  const { client, clock, log, runtime, background, transferSettings, reach, whyPathsClosed, whyRuntimeClosed } = parts
  const { softwareUpdate, quit, restart, forget } = parts
  const report = async (text: string) => void (await client.events.publish(text, { level: 'error' }))
  const power = (action: PowerAction) => ({ power: powerSwitch(action, parts), report, clock, log })
  return [
    fileDownloadAction({
      download: (name, settle, options) =>
        transfersOf(client.files).then(files => files.downloadInto(name, settle, options)),
      settings: transferSettings,
      destination: withClosedPaths(named => reach.destination(named), whyPathsClosed, whyRuntimeClosed),
      background: background.start,
    }),
    fileUploadAction({
      uploadFile: (origin, options) => transfersOf(client.files).then(files => files.uploadFile(origin, options)),
      uploadFolder: (folder, options) => transfersOf(client.files).then(files => files.uploadFolder(folder, options)),
      settings: transferSettings,
      source: withClosedPaths(named => reach.source(named), whyPathsClosed, whyRuntimeClosed),
      snapshots: snapshotsOf,
      archive: (folder, signal) => archiveFolder(folder, runtime.path, signal),
      background: background.start,
    }),
    shutdownAction(power('shutdown')),
    rebootAction(power('reboot')),
    remoteAccessAction(parts.openRelay),
    decommissionAction({ forget }),
    softwareUpdate,
    resetAgentAction({ restart }),
    quitAction({ quit }),
    pingAction(clock),
    remoteAccessInfoAction(relayVersion, parts.refreshRemoteAccess),
  ]
}

function powerSwitch(action: PowerAction, { clock, powerOptions, rootSide }: ActionParts): PowerSwitch {
  if (rootSide !== undefined) return { check: () => rootSide.checkPower(action), act: id => rootSide.power(action, id) }
  return {
    check: async () => void (await planPower(action, powerOptions)),
    act: async () => carryOutPower(await planPower(action, powerOptions), clock),
  }
}
