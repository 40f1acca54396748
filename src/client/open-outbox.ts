import type { Clock } from '../base/clock.ts'
import { crc32 } from '../base/crc32.ts'
import { type AgentError, withoutStop } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import type { Link } from '../connection/link.ts'
import { FlashStore } from '../outbox/flash/flash-store.ts'
import { flashMemos } from '../outbox/flash/memos.ts'
import { Outbox } from '../outbox/outbox.ts'
import type { Store } from '../outbox/store.ts'
import type { StoreFolder } from '../platform/store/store-folder.ts'
import type { Requester } from '../protocol/requester.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'

export interface OutboxParts {
  readonly thingKey: string
  readonly queue: { readonly durability: 'spill' | 'always' | 'memory'; readonly maxBytes: number }
  readonly folder: StoreFolder
  readonly link: Link
  readonly requester: Requester
  readonly clock: Clock
  readonly log: Log
  /** Changes with every boot of the system; undefined where that cannot be told. */
  readonly bootId: string | undefined
}

/** The outbox with the store that `queue.durability` asks for; takes over what a former process left. */
export async function openOutbox(parts: OutboxParts): Promise<Outbox> {
  const { thingKey, queue, folder, link, requester, clock, log, bootId } = parts
  const { durability, maxBytes } = queue
  let outbox: Outbox | undefined
  /** The owner of the device learns of it from the cloud: nobody reads the log of a device in the field. */
  const tell = (msg: string, level: EventLevel) => {
    const item = eventItem({ msg, ts: formatTimestamp(clock.now()), level })
    outbox?.put('event', item).catch(error => log.warn('event not taken', { error }))
  }
  const onTrouble = (trouble: AgentError | undefined) =>
    trouble === undefined
      ? tell('The outbox is written to flash again.', EventLevel.Info)
      : tell(`The outbox is kept in memory only: ${withoutStop(trouble.message)}.`, EventLevel.Error)
  const onLost = (lane: string, items: number) =>
    tell(`The outbox lost ${items} ${lane} with a damaged file.`, EventLevel.Error)
  // Acknowledgements have an owner on flash already, the journal of actions: two would send them twice.
  const store: Store | undefined =
    durability === 'memory'
      ? undefined
      : await FlashStore.open({
          folder,
          durability,
          memoryLanes: ['ack'],
          link,
          clock,
          log,
          boot: bootNumber(bootId),
          onTrouble,
          onLost,
        })
  const kept = store === undefined ? {} : { store, memos: await flashMemos({ folder, log, boot: bootNumber(bootId) }) }
  outbox = new Outbox({ thingKey, requester, link, clock, log, maxBytes, ...kept })
  // Trouble at the opening came before there was an outbox to tell it.
  if (store instanceof FlashStore && store.trouble !== undefined) onTrouble(store.trouble)
  return outbox
}

/** A number that differs from boot to boot, as small as a record wants it. */
function bootNumber(bootId: string | undefined): number | undefined {
  return bootId === undefined ? undefined : crc32(Buffer.from(bootId))
}
