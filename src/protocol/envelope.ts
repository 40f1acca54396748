// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import { toAsciiJson } from '../base/json.ts'
import type { Command } from './commands.ts'
import { limits } from './limits.ts'

/** A request message ready for the wire: ASCII text, so its length is its size in bytes. */
export interface EncodedRequest {
  readonly text: string
  /** How many commands it carries; their ids are "1", "2", ... */
  readonly commands: number
}

/** Puts encoded commands into one envelope with the ids "1", "2", ... [TR50 2.2]. */
export function envelopeOf(commandTexts: readonly string[]): EncodedRequest {
  let text = '{'
  let id = 0
  for (const command of commandTexts) {
    id++
    text += id === 1 ? `"1":${command}` : `,"${id}":${command}`
  }
  return { text: `${text}}`, commands: id }
}

/**
 * Encodes commands as one request message: compact, members in the order given, non-ASCII escaped [TR50 appendix A].
 *
 * @throws AgentError `INVALID_ARGUMENT` when there is no command or a parameter is not JSON; `LIMIT_EXCEEDED` see {@link checkRequest}
 */
export function encodeRequest(commands: readonly Command[]): EncodedRequest {
  if (commands.length === 0) throw new AgentError('INVALID_ARGUMENT', 'A request needs at least one command.')
  let texts: string[]
  try {
    texts = commands.map(toAsciiJson)
  } catch (cause) {
    throw new AgentError('INVALID_ARGUMENT', 'The parameters of a command are not JSON.', { cause })
  }
  const encoded = envelopeOf(texts)
  checkRequest(encoded)
  return encoded
}

/** Throws `LIMIT_EXCEEDED` when a request has too many commands or bytes. */
export function checkRequest(request: EncodedRequest): void {
  if (request.commands > limits.maxCommands)
    throw new AgentError(
      'LIMIT_EXCEEDED',
      `A request of ${request.commands} commands is over the agent's limit of ${limits.maxCommands}.`,
    )
  if (request.text.length > limits.maxRequestBytes)
    throw new AgentError(
      'LIMIT_EXCEEDED',
      `A request of ${request.text.length} bytes is over the agent's limit of ${limits.maxRequestBytes} bytes.`,
    )
}
