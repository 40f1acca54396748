// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { readSystemFacts } from '../../platform/system/system-facts.ts'
import type { OwnConfig } from '../configuration/index.ts'
import { AttributePublisher } from './attribute-publisher.ts'
import { platformAttributes } from './platform-attributes.ts'
import { accessSupportText, isPortListening } from './remote-access-support.ts'

/** Publishes the facts of this machine, once and again when they change [TR50 4.5]. */
export class MachineFacts {
  readonly #client: Pick<Client, 'attributes' | 'thing'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #attributes: AttributePublisher
  #sentName: string | undefined

  constructor(parts: { client: Pick<Client, 'attributes' | 'thing'>; clock: Clock; log: Log }) {
    this.#client = parts.client
    this.#clock = parts.clock
    this.#log = parts.log
    this.#attributes = new AttributePublisher({
      log: parts.log,
      publish: (name, text) => this.#client.attributes.publish(name, text),
    })
  }

  /** Publishes what is new: the facts of the machine, attributes.cfg, the services that listen, and the thing's name. */
  async publish({ settings, attributes }: OwnConfig): Promise<void> {
    await this.#attributes.publish(platformAttributes(await readSystemFacts(), attributes))
    if (settings.discoverServicesOnInit) await this.publishServices({ settings })
    await this.#publishName(settings.thingFriendlyName)
  }

  /** Publishes which services of remote access listen now; resolves to the text of the attribute. */
  async publishServices({ settings }: Pick<OwnConfig, 'settings'>): Promise<string> {
    const text = await accessSupportText(settings.remoteAccessSupport, port => isPortListening(this.#clock, port))
    await this.#attributes.publish([['remote_access_support', text]])
    return text
  }

  async #publishName(name: string | undefined): Promise<void> {
    if (name === undefined || name === this.#sentName) return
    this.#sentName = name
    const receipt = await this.#client.thing.update({ name })
    receipt.delivered().catch(error => {
      if (hasCode(error, 'CLOSED')) return
      this.#sentName = undefined
      this.#log.warn('name of the thing not accepted', { name, error })
    })
  }
}
