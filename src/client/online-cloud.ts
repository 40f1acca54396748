import type { Clock } from '../base/clock.ts'
import { AgentError, messageOf, retold } from '../base/errors.ts'
import { once } from '../base/lifecycle.ts'
import type { Log } from '../base/log.ts'
import { formatTimestamp } from '../base/timestamp.ts'
import { waitFor, withDeadline } from '../base/wait.ts'
import { HttpsClient } from '../connection/https.ts'
import { Link } from '../connection/link.ts'
import type { OnWire } from '../connection/reconnect.ts'
import { SocketOpener } from '../connection/socket-opener.ts'
import { trustSettings } from '../connection/trust-settings.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { atProcessEnd } from '../platform/process/process-end.ts'
import { WriteBudget } from '../platform/store/write-budget.ts'
import { networkPaths } from '../platform/system/network-paths.ts'
import { readBootId } from '../platform/system/system-facts.ts'
import { Requester } from '../protocol/requester.ts'
import { EventLevel, eventItem } from '../protocol/samples.ts'
import type { FilesService } from '../services/files/files-service.ts'
import { FlashJournal } from '../services/mailbox/flash-journal.ts'
import type { ExecuteMail } from '../services/mailbox/mail-intake.ts'
import { Mailbox } from '../services/mailbox/mailbox.ts'
import type { ClientFacts, Cloud, CloudListener } from './cloud.ts'
import { openOutbox } from './open-outbox.ts'
import { claimQueue, type QueueFolder, queueFolder } from './queue-folder.ts'
import { rootMemory } from './root-memory.ts'
import { stateFolder } from './state-folder.ts'

export interface OnlineParts {
  readonly facts: ClientFacts & { readonly thingKey: string }
  readonly configDir: string
  readonly queueLock: 'wait' | 'refuse'
  readonly clock: Clock
  readonly log: Log
  readonly execute: ExecuteMail
  readonly listener: CloudListener
  /** Fires when nobody waits for it any more. */
  readonly signal: AbortSignal
}

/**
 * Puts together what leads to the cloud, and takes over what a former process left. Connects nothing yet.
 *
 * @throws AgentError `ALREADY_RUNNING` when another process uses the queue
 */
export async function onlineCloud(parts: OnlineParts): Promise<Cloud> {
  const { facts, configDir, queueLock, clock, log, listener, signal } = parts
  const { thingKey, settings } = facts
  const writes = new WriteBudget()
  const folder = queueFolder(stateFolder({ settings, configDir, thingKey }, writes), log.child('outbox'))
  const { durability } = settings.queue
  try {
    const onWait = () => listener.queueInUse?.()
    await claimQueue({ folder, queueLock, durability, clock, log: log.child('outbox'), signal, onWait })
    return await cloudOver(parts, folder, writes)
  } catch (error) {
    await folder.release()
    throw error
  }
}

async function cloudOver(parts: OnlineParts, folder: QueueFolder, writes: WriteBudget): Promise<Cloud> {
  const { facts, clock, log, execute, listener } = parts
  const { thingKey, settings } = facts
  const { host, port, token, transport, fileXferHost, fileXferPort } = settings.cloud
  const { maxBytes } = settings.fileTransfer
  const trust = { ...trustSettings(settings), rootMemory: rootMemory(folder) }
  const opener = new SocketOpener({ proxy: settings.proxy, trust, clock, log: log.child('socket') })
  const endpoint = { host, port, transport }
  let onWire: () => OnWire = () => 'nothing'
  const link = new Link({
    endpoint,
    thingKey,
    token,
    opener,
    clock,
    log: log.child('link'),
    network: networkPaths,
    onWire: () => onWire(),
  })
  const requester = new Requester({ link, clock, log: log.child('protocol'), qos: settings.qosLevel })
  const { queue } = settings
  const bootId = await readBootId()
  const outbox = await openOutbox({ thingKey, queue, folder, link, requester, clock, log: log.child('outbox'), bootId })
  onWire = () => outbox.onWire
  const ask: Cloud['ask'] = async (command, options) => requester.requestOne(command(thingKey), options)
  const mailLog = log.child('mailbox')
  const tell = (msg: string, level: EventLevel) => {
    const item = eventItem({ msg, ts: formatTimestamp(clock.now()), level })
    outbox.put('event', item).catch(error => log.warn('event not taken', { error }))
  }
  const onTrouble = (trouble: AgentError | undefined) =>
    trouble === undefined
      ? tell('The journal of actions is written again.', EventLevel.Info)
      : tell(
          `The journal of actions is kept in memory only: ${trouble.message}. After a crash an action may run again.`,
          EventLevel.Error,
        )
  const journal = await FlashJournal.open({ folder, clock, log: mailLog, bootId, onTrouble })
  const mailbox = new Mailbox({ ask, outbox, journal, execute, clock, log: mailLog, bootId })
  const forgetEnd = atProcessEnd(isTimeLeft => lastWrite({ outbox, journal, thingKey, isTimeLeft }))
  let files: FilesService | undefined
  let answeredBefore = 0

  requester.on('mailbox', () => mailbox.check())
  link.on('up', () => {
    answeredBefore = requester.counters().answered
    mailbox.check()
    listener.up()
  })
  link.on('down', error => listener.down(error))
  link.on('rejected', error => listener.rejected(error))
  link.on('failed', error => listener.failed(error))
  link.on('twin', () =>
    tell(
      `agent_twin: the cloud keeps ending the sessions of ${thingKey}; a second device seems to use this thing key.`,
      EventLevel.Error,
    ),
  )
  outbox.on('refused', ({ lane, error }) => listener.failed(retold(error, `${lane}: ${error.message}`, { lane })))

  const openFiles = async (): Promise<FilesService> => {
    const { FilesService } = await import('../services/files/files-service.ts')
    files ??= new FilesService({
      requester,
      https: new HttpsClient({ opener, clock, log: log.child('https') }),
      untilUp: options => untilUp(link, clock, options),
      clock,
      log,
      thingKey,
      cloudHost: host,
      ...(fileXferHost === undefined ? {} : { fileXferHost }),
      ...(fileXferPort === undefined ? {} : { fileXferPort }),
      ...(maxBytes === undefined ? {} : { maxDownloadBytes: maxBytes }),
    })
    return files
  }

  return {
    facts,
    get isUp() {
      return link.isUp
    },
    get isAlive() {
      return link.isUp && requester.counters().answered > answeredBefore
    },
    ask,
    put: (lane, item) => outbox.put(lane, item),
    files: openFiles,
    answerMail: (id, outcome) => mailbox.acknowledge(id, outcome),
    updateMail: (id, text) => mailbox.update(id, text),
    leftMail: () => mailbox.left(),
    start: once(async () => {
      // What an earlier process left is taken up before new mail can come.
      await mailbox.resume().catch(error => log.error('cannot read the journal of actions', { why: messageOf(error) }))
      link.start()
    }),
    untilUp: options => untilUp(link, clock, options),
    stopMail: () => mailbox.close(),
    spill: () => outbox.spill(),
    flush: timeoutMs => flush({ mailbox, outbox, clock, timeoutMs }),
    close: async timeoutMs => {
      mailbox.close()
      try {
        await files?.close()
        await link.close({ timeoutMs })
        requester.close(new AgentError('CLOSED', 'The client is closed.'))
        await outbox.close()
        await journal.close()
      } finally {
        forgetEnd()
        await folder.release()
      }
    },
    status: () => ({
      link: link.status(),
      outbox: outbox.stats(),
      requests: requester.counters(),
      mailbox: mailbox.counters(),
      transfers: files?.running ?? 0,
      flashWrites: writes.counts(),
    }),
  }
}

/** Whether the cloud has everything in time, the answers included that are still on their way into the outbox. */
async function flush(o: { mailbox: Mailbox; outbox: Outbox; clock: Clock; timeoutMs: number }): Promise<boolean> {
  const { mailbox, outbox, clock, timeoutMs } = o
  const endMs = clock.monotonicMs() + timeoutMs
  const late = () => new AgentError('TIMEOUT', `Answers not recorded within ${timeoutMs} ms`)
  const taken = await withDeadline(clock, timeoutMs, late, () => mailbox.answersTaken()).then(
    () => true,
    () => false,
  )
  const delivered = await outbox.flush({ timeoutMs: Math.max(0, endMs - clock.monotonicMs()) })
  return taken && delivered
}

/** Writes down, while the process waits for its end, what would end with it; answers what could not be. */
function lastWrite(o: {
  outbox: Outbox
  journal: FlashJournal
  thingKey: string
  isTimeLeft: () => boolean
}): string | undefined {
  const { outbox, journal, thingKey, isTimeLeft } = o
  const { lost, failure } = outbox.lastWrite(isTimeLeft)
  const why = failure === undefined ? 'there was no time to write more' : messageOf(failure)
  const beside = 'what the outbox remembers beside its queue ends'
  const ending = lost === 0 ? beside : lost === 1 ? '1 sample ends' : `${lost} samples end`
  const lostText = lost === 0 && failure === undefined ? [] : [`${thingKey}: ${ending} with the process: ${why}`]
  try {
    journal.lastWrite()
  } catch (error) {
    lostText.push(`${thingKey}: the journal of actions is behind: ${messageOf(error)}`)
  }
  return lostText.length === 0 ? undefined : lostText.join('; ')
}

/** Waits for the link. It goes on trying whatever becomes of the wait. */
async function untilUp(
  link: Link,
  clock: Clock,
  options: { timeoutMs?: number | undefined; waitedMs?: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const { timeoutMs = 0, waitedMs = 0, signal } = options
  if (link.isUp) return
  try {
    await waitFor<void>(signal, (resolve, reject) => {
      const unlisten = link.on('up', () => resolve())
      const onTimeout = () => reject(new AgentError('TIMEOUT', `No connection within ${timeoutMs} ms`))
      const timer = timeoutMs > 0 ? clock.timer(timeoutMs - waitedMs, onTimeout) : undefined
      return () => {
        unlisten()
        timer?.cancel()
      }
    })
  } catch (error) {
    const { lastError } = link.status()
    if (!(error instanceof AgentError) || lastError === undefined) throw error
    const text = `${error.message.replace(/\.$/, '')}; the last try failed: ${lastError.message}`
    throw new AgentError(error.code, text, {
      cause: lastError,
      details: { lastCode: lastError.code },
      remedy: lastError.remedy,
    })
  }
}
