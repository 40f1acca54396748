// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { readHealth } from '../../platform/system/health.ts'
import type { ManagedAction } from '../actions/index.ts'
import type { OwnConfig } from '../configuration/index.ts'
import { HealthReporter } from './health-reporter.ts'
import { MachineFacts } from './machine-facts.ts'
import { relayVersion } from './platform-attributes.ts'
import { remoteAccessInfoAction } from './remote-access-info.ts'

interface DeviceFactsParts {
  readonly client: Pick<Client, 'attributes' | 'telemetry' | 'thing'>
  /** What is published of iot.cfg and attributes.cfg. */
  readonly config: { readonly offered: OwnConfig }
  /** On the disk whose space is reported. */
  readonly runtimeDir: string
  readonly clock: Clock
  readonly log: Log
}

/** What the cloud learns about this machine: its attributes, the services that listen on it, and its health. */
export class DeviceFacts {
  readonly #config: DeviceFactsParts['config']
  readonly #log: Log
  readonly #machine: MachineFacts
  readonly #health: HealthReporter

  constructor(parts: DeviceFactsParts) {
    const { client, config, runtimeDir, clock, log } = parts
    this.#config = config
    this.#log = log
    this.#machine = new MachineFacts({ client, clock, log })
    this.#health = new HealthReporter({
      clock,
      log,
      read: () => readHealth(runtimeDir),
      publish: (name, value) => client.telemetry.publish(name, value),
    })
  }

  get actions(): readonly ManagedAction[] {
    return [remoteAccessInfoAction(relayVersion, () => this.#machine.publishServices(this.#config.offered))]
  }

  /** Publishes what is new, in the background. */
  publish(): void {
    this.#machine.publish(this.#config.offered).catch(error => {
      if (!hasCode(error, 'CLOSED')) this.#log.warn('facts of the machine not published', { error })
    })
  }

  /** Samples the health every `intervalS` seconds from now on; 0 never does. */
  reportHealth(intervalS: number): void {
    this.#health.start(intervalS)
  }

  stop(): void {
    this.#health.stop()
  }
}
