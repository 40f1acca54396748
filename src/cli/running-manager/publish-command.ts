// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../base/json.ts'
import { configDirFlag } from '../config/config-flags.ts'
import { numberFlag } from '../shell/args.ts'
import type { Command, Flag, Invocation } from '../shell/command.ts'
import { askRunningManager, promptAnswerMs } from './ask-manager.ts'

/** `publish telemetry` and its siblings differ in their operands and flags, and in the sample that these make. */
export interface PublishCommand extends Pick<Command, 'summary' | 'operands' | 'flags'> {
  /** The kind of sample in the request to the manager, and the second half of the command's name. */
  readonly kind: string
  readonly sample: (invocation: Invocation) => JsonObject
}

const timestampFlag: Flag = {
  name: 'timestamp',
  value: 'TIME',
  summary: 'When it happened, RFC 3339, as 2024-03-05T10:11:12Z (default: now).',
}

/** The manager takes it for every kind of sample. */
export const corrIdFlag: Flag = { name: 'corr-id', value: 'ID', summary: 'Correlates this sample with others.' }

const waitFlag: Flag = {
  name: 'wait',
  value: 'SECONDS',
  summary: 'Wait up to so many seconds until the cloud has it (default: only until the manager has it).',
}

/** True when the switch is given. Else undefined: the request then leaves it to the manager. */
export function switchOf(invocation: Invocation, name: string): true | undefined {
  return invocation.has(name) ? true : undefined
}

export function publishCommand({ kind, sample, flags, ...rest }: PublishCommand): Command {
  const name = `publish ${kind}`
  return {
    ...rest,
    name,
    flags: [...flags, timestampFlag, waitFlag, configDirFlag],
    async run(invocation) {
      const waitS = numberFlag(name, invocation, waitFlag.name)
      const timestamp = invocation.value(timestampFlag.name)
      const corrId = invocation.value(corrIdFlag.name)
      const request = { do: 'publish', kind, ...sample(invocation), timestamp, corrId, waitS }
      await askRunningManager(invocation, request, { timeoutMs: promptAnswerMs + (waitS ?? 0) * 1000 })
      return 0
    },
  }
}

/** A text that goes into the sample as it is: the flag, and the member of the sample. */
export type TextFlags = Readonly<Record<string, Flag>>

/** The values of such flags, by member. */
export function textsIn(invocation: Invocation, flags: TextFlags): JsonObject {
  return Object.fromEntries(Object.entries(flags).map(([member, { name }]) => [member, invocation.value(name)]))
}
