// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'

interface OwnEventsParts {
  /** Gives an event to the outbox; returns undefined while there is none yet. */
  readonly put: (event: JsonObject) => Promise<unknown> | undefined
  readonly clock: Clock
  readonly log: Log
}

/** Events of the thing about the agent itself: the log of a device in the field is seldom read, so its owner learns of trouble from the cloud. */
export class OwnEvents {
  readonly #parts: OwnEventsParts

  constructor(parts: OwnEventsParts) {
    this.#parts = parts
  }

  error(msg: string): void {
    this.#publish(msg, EventLevel.Error)
  }

  info(msg: string): void {
    this.#publish(msg, EventLevel.Info)
  }

  #publish(msg: string, level: EventLevel): void {
    const { put, clock, log } = this.#parts
    const event = eventItem({ msg, ts: formatTimestamp(clock.now()), level })
    put(event)?.catch(error => log.warn('event not taken', { error }))
  }
}
