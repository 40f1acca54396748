// SPDX-License-Identifier: Apache-2.0
import { CommandFailure, codes, notFound } from '../values/failure.ts'
import { newId } from '../values/ids.ts'
import { canonical, compact, type JsonObject } from '../values/json.ts'

export type MailStatus = 'new' | 'in-flight' | 'completed' | 'completed-error' | 'expired'

/** One command for a device, from the time it is sent until it is acknowledged or expires [TR50 4]. */
export interface Mail {
  readonly id: string
  readonly thingKey: string
  readonly command: string
  readonly params: JsonObject | undefined
  readonly from: string
  readonly createdMs: number
  /** undefined: never. */
  readonly expiresMs: number | undefined
  status: MailStatus
  updatedMs: number
  deliveries: number
  readonly history: { status: MailStatus; ts: string; message?: string | undefined }[]
  outcome?: MailOutcome
}

/** The device's acknowledgement of a command. */
export type MailOutcome =
  | { readonly ok: true; readonly params: JsonObject | undefined }
  | { readonly ok: false; readonly errorCode: number; readonly errorMessage: string }

export interface MailOrder {
  readonly thingKey: string
  readonly command: string
  readonly params?: JsonObject | undefined
  readonly from: string
  /** Seconds to live; undefined: forever. */
  readonly ttlS: number | undefined
  readonly singleton?: boolean
}

export interface CheckOptions {
  readonly limit?: number | undefined
  readonly autoComplete?: boolean
  /** Hands out messages in flight again. */
  readonly redeliver?: boolean
}

const maxOpenPerThing = 10_000
const maxDoneMessages = 20_000
const maxHistoryLines = 2_000

/** The mailboxes of all things [TR50 3.8]. */
export class Mailbox {
  readonly #mails = new Map<string, Mail>()
  /** Ids of the messages that are new or in flight, by thing, in the order of arrival. */
  readonly #open = new Map<string, Set<string>>()
  readonly #done: string[] = []
  readonly #waiters = new Map<string, Set<(outcome: MailOutcome) => void>>()

  /** Puts a command into a mailbox. With `singleton`, an identical one that is still new is returned instead. */
  send(order: MailOrder): { mail: Mail; isNew: boolean } {
    const waiting = this.#openOf(order.thingKey)
    if (order.singleton) {
      const same = waiting.find(mail => mail.status === 'new' && isSame(mail, order))
      if (same !== undefined) return { mail: same, isNew: false }
    }
    if (waiting.length >= maxOpenPerThing)
      throw new CommandFailure(codes.tooLarge, `At most ${maxOpenPerThing} messages may wait for one thing.`)
    const createdMs = Date.now()
    const mail: Mail = {
      id: newId(),
      thingKey: order.thingKey,
      command: order.command,
      params: order.params,
      from: order.from,
      createdMs,
      expiresMs: order.ttlS === undefined ? undefined : createdMs + order.ttlS * 1000,
      status: 'new',
      updatedMs: createdMs,
      deliveries: 0,
      history: [],
    }
    this.#mails.set(mail.id, mail)
    const open = this.#open.get(order.thingKey) ?? new Set()
    open.add(mail.id)
    this.#open.set(order.thingKey, open)
    this.#note(mail, 'new')
    return { mail, isNew: true }
  }

  /** Hands out the new messages, and with `redeliver` those in flight too; they are in flight afterwards. */
  check(thingKeys: readonly string[], options: CheckOptions = {}): readonly Mail[] {
    const due = thingKeys
      .flatMap(key => this.#openOf(key))
      .filter(mail => mail.status === 'new' || (options.redeliver === true && mail.status === 'in-flight'))
      .slice(0, options.limit !== undefined && options.limit > 0 ? options.limit : undefined)
    for (const mail of due) {
      mail.deliveries++
      this.#note(mail, 'in-flight')
      if (options.autoComplete) this.#finish(mail, { ok: true, params: undefined })
    }
    return due
  }

  /** Whether one of the things has a new message. */
  hasNew(thingKeys: readonly string[]): boolean {
    return thingKeys.some(key => this.#openOf(key).some(mail => mail.status === 'new'))
  }

  /** Makes messages in flight new again, for a cloud that redelivers them after a lost session. */
  offerAgain(thingKey: string): void {
    for (const mail of this.#openOf(thingKey)) if (mail.status === 'in-flight') this.#note(mail, 'new', 'offered again')
  }

  /** Adds a progress line; the status stays. */
  update(mail: Mail, message: string): void {
    if (isDone(mail)) throw alreadyDone(mail)
    this.#note(mail, mail.status, message)
  }

  /** Completes a message and resolves the promises of {@link completion}. */
  ack(mail: Mail, outcome: MailOutcome): void {
    if (isDone(mail)) throw alreadyDone(mail)
    this.#finish(mail, outcome)
  }

  get(id: string): Mail {
    const mail = this.#mails.get(id)
    if (mail === undefined) throw notFound(`Mailbox message ${id.slice(0, 60)}`)
    this.#expire(mail)
    return mail
  }

  all(): readonly Mail[] {
    for (const mail of this.#mails.values()) this.#expire(mail)
    return [...this.#mails.values()]
  }

  delete(mail: Mail): void {
    this.#mails.delete(mail.id)
    this.#open.get(mail.thingKey)?.delete(mail.id)
    this.#settle(mail, { ok: false, errorCode: codes.expired, errorMessage: 'The message was deleted.' })
  }

  /** Resolves to the acknowledgement; rejects after `timeoutMs`, and the message may still complete later. */
  completion(mail: Mail, timeoutMs: number): Promise<MailOutcome> {
    if (mail.outcome !== undefined) return Promise.resolve(mail.outcome)
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(mail.id) ?? new Set()
      this.#waiters.set(mail.id, waiters)
      const timer = setTimeout(() => {
        waiters.delete(settle)
        if (waiters.size === 0) this.#waiters.delete(mail.id)
        reject(new CommandFailure(codes.ackTimeout, `The device sent no acknowledgement within ${timeoutMs / 1000} s.`))
      }, timeoutMs)
      const settle = (outcome: MailOutcome) => {
        clearTimeout(timer)
        resolve(outcome)
      }
      waiters.add(settle)
    })
  }

  #openOf(thingKey: string): Mail[] {
    const open: Mail[] = []
    for (const id of this.#open.get(thingKey) ?? []) {
      const mail = this.#mails.get(id)
      if (mail !== undefined && !this.#expire(mail)) open.push(mail)
    }
    return open
  }

  /** Expires the message when its time to live ended while it was still new; returns whether it did. */
  #expire(mail: Mail): boolean {
    if (mail.status !== 'new' || mail.expiresMs === undefined || Date.now() < mail.expiresMs) return false
    this.#note(mail, 'expired')
    this.#close(mail)
    return true
  }

  #finish(mail: Mail, outcome: MailOutcome): void {
    mail.outcome = outcome
    this.#note(mail, outcome.ok ? 'completed' : 'completed-error', outcome.ok ? undefined : outcome.errorMessage)
    this.#close(mail)
    this.#settle(mail, outcome)
  }

  #settle(mail: Mail, outcome: MailOutcome): void {
    for (const waiter of this.#waiters.get(mail.id) ?? []) waiter(outcome)
    this.#waiters.delete(mail.id)
  }

  #close(mail: Mail): void {
    const open = this.#open.get(mail.thingKey)
    open?.delete(mail.id)
    if (open?.size === 0) this.#open.delete(mail.thingKey)
    this.#done.push(mail.id)
    if (this.#done.length > maxDoneMessages) for (const id of this.#done.splice(0, 1000)) this.#mails.delete(id)
  }

  #note(mail: Mail, status: MailStatus, message?: string): void {
    mail.status = status
    mail.updatedMs = Date.now()
    if (mail.history.length >= maxHistoryLines) mail.history.splice(1, 1)
    mail.history.push({ status, ts: new Date(mail.updatedMs).toISOString(), message })
  }
}

function isSame(mail: Mail, order: MailOrder): boolean {
  return mail.command === order.command && canonical(mail.params) === canonical(order.params)
}

function isDone(mail: Mail): boolean {
  return mail.status !== 'new' && mail.status !== 'in-flight'
}

function alreadyDone(mail: Mail): CommandFailure {
  return new CommandFailure(codes.alreadyCompleted, `Mailbox message ${mail.id} is ${mail.status} already.`)
}

/** A message as a device gets it from `mailbox.check` [TR50 mailbox.check]. */
export function asDelivered(mail: Mail): JsonObject {
  return compact({
    id: mail.id,
    thingKey: mail.thingKey,
    command: mail.command,
    from: mail.from,
    expires: mail.expiresMs === undefined ? undefined : new Date(mail.expiresMs).toISOString(),
    params: mail.params,
  })
}

/** A message as an operator gets it from `mailbox.find` and `mailbox.list` [TR50 mailbox.find]. */
export function asShown(mail: Mail): JsonObject {
  return compact({
    id: mail.id,
    thingKey: mail.thingKey,
    from: mail.from,
    command: mail.command,
    status: mail.status,
    params: mail.params,
    history: mail.history,
    deliveries: mail.deliveries,
    created: new Date(mail.createdMs).toISOString(),
    updated: new Date(mail.updatedMs).toISOString(),
    duration: mail.updatedMs - mail.createdMs,
    result: mail.outcome,
  })
}
