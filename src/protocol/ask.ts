import type { JsonObject } from '../base/json.ts'
import type { Command } from './commands.ts'
import type { ReplyListeners } from './requester.ts'

/**
 * Asks the cloud one question about our own thing and resolves to the params of its answer.
 * `command` gets the thing key; rejects as {@link Requester.requestOne}.
 */
export type Ask = (command: (thingKey: string) => Command, options?: ReplyListeners) => Promise<JsonObject>
