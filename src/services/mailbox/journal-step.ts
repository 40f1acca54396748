// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject, maxJsonDepth, parseCutJson, toAsciiJson } from '../../base/json.ts'
import { frameRecord } from '../../base/record.ts'
import type { WrittenNumbers } from '../../base/written-json.ts'
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import { isStatus } from '../../protocol/status.ts'
import type { JournalEntry } from './journal.ts'
import type { MailCall } from './mail.ts'

/**
 * Parameters stand two levels down in a record. One more is read, so that parameters which an earlier agent took and which are
 * too deep are still seen to be so; what is below that is of no use to anybody.
 */
const maxRecordDepth = maxJsonDepth + 3

/** One record of the journal on flash. */
export type JournalStep =
  | { readonly step: 'accept'; readonly id: string; readonly call: MailCall }
  | { readonly step: 'start'; readonly id: string; readonly bootId?: string | undefined }
  | {
      readonly step: 'hand over'
      readonly id: string
      readonly outcome?: ActionOutcome | undefined
      readonly onlyAfterReboot?: true | undefined
    }
  | { readonly step: 'finish'; readonly id: string; readonly outcome: ActionOutcome }
  | { readonly step: 'settle'; readonly id: string }

/** Throws when the step cannot be written as JSON. */
export function frameStep(step: JournalStep): Uint8Array {
  return frameRecord(Buffer.from(toAsciiJson(step), 'latin1'))
}

/** The steps that lead to what is known of a mail. */
export function stepsOf(entry: JournalEntry): JournalStep[] {
  const { id, call, state, outcome, onlyAfterReboot, bootId, settled } = entry
  const steps: JournalStep[] = []
  if (call !== undefined) steps.push({ step: 'accept', id, call })
  if (state === 'started' || state === 'handed over') steps.push({ step: 'start', id, bootId })
  if (state === 'handed over')
    steps.push({
      step: 'hand over',
      id,
      outcome,
      onlyAfterReboot,
    })
  if (state === 'finished' && outcome !== undefined) steps.push({ step: 'finish', id, outcome })
  if (settled) steps.push({ step: 'settle', id })
  return steps
}

/** Reads the body of a record; one of another version, or of none, is undefined. */
export function parseStep(body: Uint8Array): JournalStep | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
  const value = parseCutJson(text, maxRecordDepth)
  if (!isJsonObject(value) || typeof value.id !== 'string') return undefined
  const { step, id, bootId } = value
  const outcome = parseOutcome(value.outcome)
  switch (step) {
    case 'accept': {
      const call = parseCall(value.call)
      return call === undefined ? undefined : { step, id, call }
    }
    case 'start':
      return { step, id, ...(typeof bootId === 'string' ? { bootId } : {}) }
    case 'hand over':
      return {
        step,
        id,
        ...(outcome === undefined ? {} : { outcome }),
        ...(value.onlyAfterReboot === true ? { onlyAfterReboot: true } : {}),
      }
    case 'finish':
      return outcome === undefined ? undefined : { step, id, outcome }
    case 'settle':
      return { step, id }
    default:
      return undefined
  }
}

function parseCall(value: unknown): MailCall | undefined {
  if (!isJsonObject(value) || typeof value.method !== 'string' || !isJsonObject(value.params)) return undefined
  const { written } = value
  const isWritten = isJsonObject(written) && Object.values(written).every(text => typeof text === 'string')
  return {
    method: value.method,
    params: value.params as JsonObject,
    ...(isWritten ? { written: written as WrittenNumbers } : {}),
  }
}

function parseOutcome(value: unknown): ActionOutcome | undefined {
  if (!isJsonObject(value) || !isStatus(value.status)) return undefined
  const { status, message, params } = value
  return {
    status,
    ...(typeof message === 'string' ? { message } : {}),
    ...(isJsonObject(params) ? { params: params as JsonObject } : {}),
  }
}
