import type { OptionNames } from '../config/known-options.ts'
import { checkWait } from './call-fields.ts'
import type { RequestOptions } from './requester.ts'
import { momentText, type TimestampInput } from './sample-fields.ts'

/** Options of the questions for a current value. */
export interface CurrentOptions extends RequestOptions {
  /** Ask for the value that held then [TR50 property.current] [TR50 attribute.current]; default: the newest one. */
  readonly timestamp?: TimestampInput | undefined
}

export const currentNames: OptionNames<CurrentOptions> = { timestamp: true, timeoutMs: true, signal: true }

/** The wait of such a question, and the time that it asks about. */
export function currentRequest({ timestamp, ...wait }: CurrentOptions): {
  readonly wait: RequestOptions
  readonly at?: string
} {
  checkWait(wait)
  return timestamp === undefined ? { wait } : { wait, at: momentText(timestamp) }
}
