// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { findIdentity } from '../../config/identity.ts'
import { isOnTrial, ownExecutable } from '../../platform/process/own-executable.ts'
import { carryOutPower, type PowerOptions, planPower } from '../../platform/process/power.ts'
import { storeFolder } from '../../platform/store/store-folder.ts'
import { WriteBudget } from '../../platform/store/write-budget.ts'
import { readDeviceFacts } from '../../platform/system/device-facts.ts'
import { readBootId } from '../../platform/system/system-facts.ts'
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from '../actions/index.ts'
import type { RootInstaller } from './by-root.ts'
import type { PackageRules } from './package/index.ts'
import { softwareUpdateAction } from './software-update.ts'
import { UpdateJournal, updatePlaces } from './state/index.ts'
import { AgentSlot } from './trial/index.ts'
import { clientCloud } from './update-cloud.ts'
import { Updates } from './updates.ts'

/** Root's part of a manager that is not root, as far as the action needs it. */
export interface UpdateRoot extends RootInstaller {
  /** Whether root installs packages. */
  readonly installs: boolean
  /** The mistake in root's own configuration. */
  readonly mistake: string | undefined
  /** Reads root's configuration again. */
  look(): Promise<void>
  refusal(step: 'install'): string | undefined
  installRefusal(extraParams: string): string | undefined
  power(action: 'reboot', id: string): Promise<void>
}

export interface ManagerUpdatesParts {
  readonly client: Client
  readonly runtimeDir: string
  readonly configDir: string
  readonly config: {
    readonly connection: { readonly ota: PackageRules }
    /** Whether another user can change the files that decide about updates: then none is recovered. */
    readonly isUpdateWeak: boolean
  }
  readonly powerOptions: PowerOptions
  /** Of a manager that is not root. */
  readonly rootSide: UpdateRoot | undefined
  /** Ends the manager: for the preflight of a new executable, or because its trial run is over. */
  readonly handOver: () => void
  readonly clock: Clock
  readonly log: Log
}

const notRecovered =
  'the update does not continue: another user of the device can change the files that decide about it; "device-cloud status" says which'

/** The software updates of a device manager. */
export class ManagerUpdates {
  readonly #client: Client
  readonly #log: Log
  readonly #updates: Updates
  readonly #config: ManagerUpdatesParts['config']
  readonly #root: UpdateRoot | undefined
  /** Calls of an earlier process whose update never began. */
  #lost: string[] = []

  private constructor(parts: Pick<ManagerUpdatesParts, 'client' | 'config' | 'rootSide' | 'log'>, updates: Updates) {
    this.#client = parts.client
    this.#config = parts.config
    this.#root = parts.rootSide
    this.#log = parts.log
    this.#updates = updates
  }

  static async open(parts: ManagerUpdatesParts): Promise<ManagerUpdates> {
    const { client, runtimeDir, configDir, config, powerOptions, rootSide: root, handOver, clock } = parts
    const log = parts.log.child('ota')
    const places = updatePlaces(runtimeDir)
    const journal = new UpdateJournal({ folder: storeFolder(places.stateFolder, new WriteBudget()), log })
    const reboot = async () => {
      if (root === undefined) await carryOutPower(await planPower('reboot', powerOptions), clock)
      else await root.power('reboot', `ota-${randomUUID()}`)
    }
    const cloud = clientCloud(client, clock)
    const bootId = await readBootId()
    const executable = ownExecutable()
    const slot = executable === undefined ? undefined : new AgentSlot({ executable, onTrial: isOnTrial(), clock })
    const facts = () => readDeviceFacts()
    const rules = () => config.connection.ota
    const deviceId = async () => (await findIdentity({ configDir, appId: '' }))?.deviceId
    const steps = { places, cloud, rules, facts, deviceId, slot, root, handOver, reboot }
    const updates = new Updates({ ...steps, journal, bootId, clock, log })
    return new ManagerUpdates({ ...parts, log }, updates)
  }

  get actions(): readonly ManagedAction[] {
    const acknowledge = this.#client.actions.acknowledge.bind(this.#client.actions)
    const updates = this.#updates
    const side = this.#root
    const action = softwareUpdateAction({
      updates: {
        refusal: () => updates.refusal(),
        begin: async request => {
          await side?.look()
          // Else the package would be installed after all, and as another user than the owner has set.
          if (side?.mistake !== undefined) return answered(Status.NotSupported, side.refusal('install') ?? side.mistake)
          const root = side?.installs ? side : undefined
          const refusal = root?.installRefusal(request.extraParams)
          if (refusal !== undefined) return answered(Status.NoPermission, refusal)
          return await updates.begin(root === undefined ? request : { ...request, byRoot: true })
        },
      },
      acknowledge,
    })
    return [action]
  }

  /** The update that is under way, for `status`. */
  get current(): { readonly package: string; readonly step: string } | undefined {
    return this.#updates.current
  }

  /**
   * Continues the update that an earlier process left. To be called when the actions are registered and no call can come yet: a
   * call that comes too early would find an update in progress. Never rejects.
   */
  async resume(): Promise<void> {
    try {
      const known = this.#config.isUpdateWeak ? undefined : await this.#updates.resume()
      const left = await this.#client.actions.handedOver()
      this.#lost = left.filter(({ id, name }) => name === 'software_update' && id !== known).map(({ id }) => id)
    } catch (error) {
      this.#log.error('an update of an earlier process cannot be recovered', { error })
    }
  }

  /** Answers the calls whose update never began. To be called when the client begins to connect. Never rejects. */
  async answerLost(): Promise<void> {
    const answer = this.#config.isUpdateWeak
      ? { status: Status.NoPermission, message: notRecovered }
      : { status: Status.TryAgain, message: 'the agent ended before the update began; nothing was changed' }
    for (const id of this.#lost.splice(0)) {
      this.#log.warn('a requested update is not carried out', { id, error: answer.message })
      await this.#client.actions
        .acknowledge(id, answer)
        .catch(error => this.#log.error('a call of an earlier process cannot be answered', { id, error }))
    }
  }

  /** Leaves a running update to the next process. */
  async stop(): Promise<void> {
    await this.#updates.stop()
  }
}

function answered(status: Status, message: string) {
  return { kind: 'answered', outcome: { status, message } } as const
}
