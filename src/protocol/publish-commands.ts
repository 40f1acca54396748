// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'

/** The commands of one kind of sample. */
interface PublishForm {
  /** The command of a single sample. */
  readonly single: string
  /** The command of many samples; absent where the cloud has none. */
  readonly batch?: string
  /** The parameter that carries the thing key. */
  readonly keyName: 'thingKey' | 'key'
  /**
   * Members that only the command of one sample surely takes: a batch has no aggregate in its items, and the documents spell
   * the correlation id of its items in two ways, or do not name it [TR50 property.batch] [TR50 attribute.batch].
   */
  readonly singleMembers: readonly string[]
}

const publishForms = {
  telemetry: {
    single: 'property.publish',
    batch: 'property.batch',
    keyName: 'thingKey',
    singleMembers: ['aggregate', 'corrId'],
  },
  alarm: { single: 'alarm.publish', batch: 'alarm.batch', keyName: 'thingKey', singleMembers: [] },
  attribute: { single: 'attribute.publish', batch: 'attribute.batch', keyName: 'thingKey', singleMembers: ['corrId'] },
  location: { single: 'location.publish', batch: 'location.batch', keyName: 'thingKey', singleMembers: [] },
  event: { single: 'log.publish', keyName: 'thingKey', singleMembers: [] },
  thing: { single: 'thing.update', keyName: 'key', singleMembers: [] },
} satisfies Record<string, PublishForm>

/** What a device publishes. */
export type SampleKind = keyof typeof publishForms

const formOf: Readonly<Record<SampleKind, PublishForm>> = publishForms

/** What a command needs around its samples, at most, in bytes beside the thing key: id, names and brackets. */
export const commandOverheadBytes = 80

/** Whether samples of a kind can share a command [TR50 3.0]. */
export function hasBatch(kind: SampleKind): boolean {
  return formOf[kind].batch !== undefined
}

/** Whether a sample has a member that a batch would lose: it goes as a command of its own. */
export function needsOwnCommand(kind: SampleKind, sample: JsonObject): boolean {
  for (const name of formOf[kind].singleMembers) if (sample[name] !== undefined) return true
  return false
}

/**
 * The text of a command that carries one sample.
 *
 * @param thingKey as JSON text
 * @param sample as JSON text of an object
 */
export function publishText(kind: SampleKind, thingKey: string, sample: string): string {
  const { single, keyName } = formOf[kind]
  const rest = sample === '{}' ? '}' : `,${sample.slice(1)}`
  return `{"command":"${single}","params":{"${keyName}":${thingKey}${rest}}`
}

/**
 * The text of a command that carries many samples. It has no defaults for them: those of the Python agent were meaningless
 * ("alarm_batch", texts for numbers) [TR50 3.1].
 *
 * @param thingKey as JSON text
 * @param samples as JSON texts of objects, joined by commas
 */
export function batchText(kind: SampleKind, thingKey: string, samples: string): string {
  return `{"command":"${formOf[kind].batch}","params":{"thingKey":${thingKey},"data":[${samples}]}}`
}

/** Whether a command answers a mailbox message, or adds a line to it [TR50 mailbox.ack] [TR50 mailbox.update]. */
export function isMailboxAnswer({ command }: JsonObject): boolean {
  return command === 'mailbox.ack' || command === 'mailbox.update'
}
