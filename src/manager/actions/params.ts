// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import { Status } from '../../protocol/status.ts'
import type { ActionOutcome } from './action.ts'

/** A parameter that the action does not take. The message names it. */
export class BadParameter extends Error {
  readonly outcome: ActionOutcome

  constructor(message: string) {
    super(message)
    this.name = 'BadParameter'
    this.outcome = { status: Status.BadParameter, message }
  }
}

const maxTextBytes = 4096

/** A text parameter; absent, null and empty are the same. Throws {@link BadParameter}. */
export function textParam(params: JsonObject, name: string): string | undefined {
  const value = params[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw new BadParameter(`${name} must be a string, not ${typeName(value)}`)
  if (value.includes('\0')) throw new BadParameter(`${name} contains a NUL character`)
  if (Buffer.byteLength(value) > maxTextBytes) throw new BadParameter(`${name} is longer than ${maxTextBytes} bytes`)
  return value
}

/** A yes-or-no parameter, false when absent or null. Throws {@link BadParameter}. */
export function booleanParam(params: JsonObject, name: string): boolean {
  const value = params[name]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new BadParameter(`${name} must be true or false, not ${typeName(value)}`)
  return value
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
