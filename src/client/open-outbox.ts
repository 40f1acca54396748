// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { crc32 } from '../base/crc32.ts'
import { type AgentError, withoutStop } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import type { Link } from '../connection/link.ts'
import { FlashStore } from '../outbox/flash/flash-store.ts'
import { flashMemos } from '../outbox/flash/memos.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { StoreFolder } from '../platform/store/store-folder.ts'
import type { Requester } from '../protocol/requester.ts'
import { OwnEvents } from './own-events.ts'

export interface OutboxParts {
  readonly thingKey: string
  readonly queue: Pick<Settings['queue'], 'durability' | 'maxBytes'>
  readonly folder: StoreFolder
  readonly link: Link
  readonly requester: Requester
  readonly clock: Clock
  readonly log: Log
  /** Changes with every boot of the system; undefined where the system does not say it. */
  readonly bootId: string | undefined
}

/** The outbox with the store that `queue.durability` asks for; takes over what an earlier process left. */
export async function openOutbox(parts: OutboxParts): Promise<Outbox> {
  const { thingKey, queue, folder, link, requester, clock, log, bootId } = parts
  let outbox: Outbox | undefined
  const events = new OwnEvents({ put: event => outbox?.put('event', event), clock, log })
  const boot = bootNumber(bootId)
  const store = queue.durability === 'memory' ? undefined : await openStore(parts, queue.durability, boot, events)
  const kept = store === undefined ? {} : { store, memos: await flashMemos({ folder, log, boot }) }
  outbox = new Outbox({ thingKey, requester, link, clock, log, maxBytes: queue.maxBytes, ...kept })
  // Trouble at the opening came before there was an outbox that takes its event.
  if (store?.trouble !== undefined) reportStore(events, store.trouble)
  return outbox
}

function openStore(
  { folder, link, clock, log }: OutboxParts,
  durability: 'spill' | 'always',
  boot: number | undefined,
  events: OwnEvents,
): Promise<FlashStore> {
  return FlashStore.open({
    folder,
    durability,
    // Acknowledgements are kept on flash by the journal of actions already: two owners would send them twice.
    memoryLanes: ['ack'],
    link,
    clock,
    log,
    boot,
    onTrouble: trouble => reportStore(events, trouble),
    onLost: (lane, items) => events.error(`The outbox lost ${items} ${lane} with a damaged file.`),
  })
}

function reportStore(events: OwnEvents, trouble: AgentError | undefined): void {
  if (trouble === undefined) events.info('The outbox is written to flash again.')
  else events.error(`The outbox is kept in memory only: ${withoutStop(trouble.message)}.`)
}

/** A number that differs from boot to boot, as small as a record needs it. */
function bootNumber(bootId: string | undefined): number | undefined {
  return bootId === undefined ? undefined : crc32(Buffer.from(bootId))
}
