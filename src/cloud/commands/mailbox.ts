// SPDX-License-Identifier: Apache-2.0
import { numberOf } from '../faults/faults.ts'
import {
  type Commands,
  type Context,
  namedThing,
  operatorOf,
  refuseByFault,
  sessionOf,
  thingOf,
} from '../requests/command.ts'
import { asDelivered, asShown, type Mail, type MailOutcome } from '../store/mailbox.ts'
import type { Session } from '../store/sessions.ts'
import { badParameter, CommandFailure, notFound } from '../values/failure.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { flag, has, optionalInteger, optionalObject, optionalText, page, requiredText } from '../values/params.ts'
import { optionalMoment } from '../values/timestamp.ts'

/** Seconds that a caller may wait for an acknowledgement [TR50 9]. */
const maxAckTimeoutS = 300
const defaultAckTimeoutS = 30

export const mailboxCommands: Commands = {
  'mailbox.check': (params, context) => {
    const { state } = context
    const session = sessionOf(context)
    const keys = keysOf(session)
    const circumstances = { thingKey: session.thing?.key, transport: session.transport, commands: ['mailbox.check'] }
    const redeliver = state.faults.take('redeliverMail', circumstances, fault => fault.when === 'check') !== undefined
    const autoComplete = flag(params, 'autoComplete')
    const mails = state.mailbox.check(keys, { limit: optionalInteger(params, 'limit'), autoComplete, redeliver })
    if (mails.length === 0 && state.faults.take('bareEmptyMailbox', circumstances)) return undefined
    const messages = mails.map(asDelivered)
    const isDuplicated = mails.length > 0 && state.faults.take('duplicateMail', circumstances) !== undefined
    return { messages: isDuplicated ? messages.flatMap(message => [message, message]) : messages }
  },

  'mailbox.ack': (params, context) => {
    const mail = ownMail(params, context)
    refuseByFault(context, 'mailbox.ack', mail.id)
    // Old agents send the number as text, and an empty message with a success [TR50 8.3].
    const errorCode = optionalInteger(params, 'errorCode') ?? 0
    const errorMessage = optionalText(params, 'errorMessage') ?? ''
    const outcome: MailOutcome =
      errorCode === 0 ? { ok: true, params: optionalObject(params, 'params') } : { ok: false, errorCode, errorMessage }
    context.state.mailbox.ack(mail, outcome)
    return undefined
  },

  'mailbox.update': (params, context) => {
    const mail = ownMail(params, context)
    refuseByFault(context, 'mailbox.update', mail.id)
    const message = optionalText(params, 'msg')
    if (message === undefined) throw badParameter('msg is missing.')
    context.state.mailbox.update(mail, message)
    return undefined
  },

  'mailbox.send': (params, context) => {
    sessionOf(context)
    return send(requiredText(params, 'command'), optionalObject(params, 'params'), params, context)
  },

  'method.exec': (params, context) => {
    sessionOf(context)
    const thing = targetOf(params, context)
    const definition = context.state.definitionOf(thing)
    const content = compact({
      method: requiredText(params, 'method'),
      thingDefKey: definition?.key,
      params: optionalObject(params, 'params'),
    })
    return send('method.exec', content, params, context)
  },

  'mailbox.find': (params, context) => {
    operatorOf(context)
    return asShown(context.state.mailbox.get(requiredText(params, 'id')))
  },

  'mailbox.list': (params, context) => {
    const session = sessionOf(context)
    const thing = session.user === undefined || has(params, 'thingKey') ? thingOf(params, context) : undefined
    const [start, end] = [optionalMoment(params, 'start')?.ms, optionalMoment(params, 'end')?.ms]
    const wanted = { status: optionalText(params, 'status'), command: optionalText(params, 'command') }
    const from = optionalText(params, 'from')
    const mails = context.state.mailbox
      .all()
      .filter(
        mail =>
          (thing === undefined || mail.thingKey === thing.key) &&
          (wanted.status === undefined || mail.status === wanted.status) &&
          (wanted.command === undefined || mail.command === wanted.command) &&
          (from === undefined || mail.from === from) &&
          (start === undefined || mail.createdMs >= start) &&
          (end === undefined || mail.createdMs <= end),
      )
    return page(params, mails.map(asShown))
  },

  'mailbox.summary': (params, context) => {
    operatorOf(context)
    const thing = namedThing(params, context)
    const counts: Record<string, number> = { new: 0, 'in-flight': 0, completed: 0, 'completed-error': 0, expired: 0 }
    for (const mail of context.state.mailbox.all())
      if (thing === undefined || mail.thingKey === thing.key) counts[mail.status] = (counts[mail.status] ?? 0) + 1
    return { counts }
  },

  'mailbox.delete': (params, context) => {
    operatorOf(context)
    context.state.mailbox.delete(context.state.mailbox.get(requiredText(params, 'id')))
    return undefined
  },
}

function keysOf(session: Session): readonly string[] {
  if (session.thing === undefined) throw notFound('Thing key')
  return [session.thing.key, ...session.bound]
}

/** A message for the session's own things; messages for others count as unknown. */
function ownMail(params: JsonObject, context: Context): Mail {
  const session = sessionOf(context)
  const mail = context.state.mailbox.get(requiredText(params, 'id'))
  if (session.user === undefined && !keysOf(session).includes(mail.thingKey))
    throw notFound(`Mailbox message ${mail.id}`)
  return mail
}

/** The receiver of a message. Unlike with other commands, a device may name any thing [TR50 method.exec]. */
function targetOf(params: JsonObject, context: Context) {
  const thing = namedThing(params, context) ?? context.session?.thing
  if (thing === undefined) throw notFound('Thing key')
  return thing
}

/** Puts a command into a mailbox, and waits for the acknowledgement unless `ackTimeout` is 0. */
function send(
  command: string,
  content: JsonObject | undefined,
  params: JsonObject,
  context: Context,
): JsonObject | Promise<JsonObject> {
  const { state, session } = context
  const thing = targetOf(params, context)
  const ackTimeoutS =
    optionalInteger(params, 'ackTimeout') ??
    numberOf(state.definitionOf(thing), 'defaultAckTimeout', defaultAckTimeoutS)
  if (ackTimeoutS > maxAckTimeoutS) throw badParameter(`ackTimeout must be at most ${maxAckTimeoutS} s.`)
  const ttlS = optionalInteger(params, 'ttl') ?? (ackTimeoutS >= 1 ? ackTimeoutS : -1)
  const user = session?.user?.username
  const { mail, isNew } = state.mailbox.send({
    thingKey: thing.key,
    command,
    params: content,
    from: typeof user === 'string' ? user : (session?.thing?.key ?? 'unknown'),
    ttlS: ttlS < 0 ? undefined : ttlS,
    singleton: flag(params, 'singleton'),
  })
  if (isNew) state.notify(thing.key)
  if (ackTimeoutS < 1) return { id: mail.id }
  return state.mailbox.completion(mail, ackTimeoutS * 1000).then(resultOf)
}

/** The result of the command for the operator who sent it [TR50 4.3]. */
function resultOf(outcome: MailOutcome): JsonObject {
  if (!outcome.ok) throw new CommandFailure(outcome.errorCode, outcome.errorMessage)
  return outcome.params ?? {}
}
