// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { type AgentError, retold, withoutStop } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { OnWire } from '../connection/reconnect.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { WriteBudget } from '../platform/store/write-budget.ts'
import { readBootId } from '../platform/system/system-facts.ts'
import type { Ask } from '../protocol/ask.ts'
import { FlashJournal } from '../services/mailbox/flash-journal.ts'
import type { ExecuteMail } from '../services/mailbox/mail-intake.ts'
import { Mailbox } from '../services/mailbox/mailbox.ts'
import type { Cloud, CloudListener } from './cloud.ts'
import { type Connection, makeConnection } from './connection.ts'
import { OnlineCloud, type OnlineFacts } from './online-cloud.ts'
import { OnlineFiles } from './online-files.ts'
import { openOutbox } from './open-outbox.ts'
import { OwnEvents } from './own-events.ts'
import { claimQueue, type QueueFolder, queueFolder } from './queue-folder.ts'
import { rootMemory } from './root-memory.ts'
import { stateFolder } from './state-folder.ts'

export interface OnlineParts {
  readonly facts: OnlineFacts
  readonly configDir: string
  readonly queueLock: 'wait' | 'refuse'
  readonly clock: Clock
  readonly log: Log
  readonly execute: ExecuteMail
  readonly listener: CloudListener
  /** Fires when the caller waits for it no longer. */
  readonly signal: AbortSignal
}

/**
 * Claims the queue of this thing, puts together what leads to the cloud, and takes over what an earlier process left.
 * Connects nothing yet.
 *
 * @throws AgentError `ALREADY_RUNNING` when another process uses the queue
 */
export async function openOnlineCloud(parts: OnlineParts): Promise<Cloud> {
  const { facts, configDir, queueLock, clock, log, listener, signal } = parts
  const { thingKey, settings } = facts
  const writes = new WriteBudget()
  const folder = queueFolder(stateFolder({ settings, configDir, thingKey }, writes), log.child('outbox'))
  const { durability } = settings.queue
  try {
    const onWait = () => listener.queueInUse?.()
    await claimQueue({ folder, queueLock, durability, clock, log: log.child('outbox'), signal, onWait })
    return await openOver(folder, writes, parts)
  } catch (error) {
    await folder.release()
    throw error
  }
}

/** Opens the outbox and the journal in the folder, and wires the connection to them. */
async function openOver(folder: QueueFolder, writes: WriteBudget, parts: OnlineParts): Promise<Cloud> {
  const { facts, clock, log, execute, listener } = parts
  const { thingKey, settings } = facts
  const { queue } = settings
  let onWire: () => OnWire = () => 'nothing'
  const wire = { thingKey, settings, rootMemory: rootMemory(folder), clock, log, onWire: () => onWire() }
  const connection = makeConnection(wire)
  const { link, requester } = connection
  const bootId = await readBootId()
  const outbox = await openOutbox({ thingKey, queue, folder, link, requester, clock, log: log.child('outbox'), bootId })
  onWire = () => outbox.onWire
  const events = new OwnEvents({ put: event => outbox.put('event', event), clock, log })
  const mailLog = log.child('mailbox')
  const onTrouble = (trouble: AgentError | undefined) => reportJournal(events, trouble)
  const journal = await FlashJournal.open({ folder, clock, log: mailLog, bootId, onTrouble })
  const ask: Ask = async (command, options) => requester.requestOne(command(thingKey), options)
  const mailbox = new Mailbox({ ask, outbox, journal, execute, clock, log: mailLog, bootId })
  const files = new OnlineFiles({ connection, thingKey, settings, clock, log })
  const cloud = new OnlineCloud({ facts, clock, log, connection, outbox, journal, mailbox, files, ask, folder, writes })
  // After the cloud: when the caller hears of a session, the cloud knows it already.
  listen({ connection, outbox, mailbox, events, thingKey, listener })
  return cloud
}

function reportJournal(events: OwnEvents, trouble: AgentError | undefined): void {
  if (trouble === undefined) events.info('The journal of actions is written again.')
  else
    events.error(
      `The journal of actions is kept in memory only: ${withoutStop(trouble.message)}. After a crash an action may run again.`,
    )
}

/** Passes on what the link, the requests and the outbox report. */
function listen(parts: {
  readonly connection: Connection
  readonly outbox: Outbox
  readonly mailbox: Mailbox
  readonly events: OwnEvents
  readonly thingKey: string
  readonly listener: CloudListener
}): void {
  const { connection, outbox, mailbox, events, thingKey, listener } = parts
  const { link, requester } = connection
  requester.on('mailbox', () => mailbox.check())
  link.on('up', () => {
    mailbox.check()
    listener.up()
  })
  link.on('down', error => listener.down(error))
  link.on('rejected', error => listener.rejected(error))
  link.on('failed', error => listener.failed(error))
  link.on('duplicateClient', () =>
    events.error(
      `agent_twin: the cloud keeps ending the sessions of ${thingKey}; a second device seems to use this thing key.`,
    ),
  )
  outbox.on('refused', ({ lane, error }) => listener.failed(retold(error, `${lane}: ${error.message}`, { lane })))
}
