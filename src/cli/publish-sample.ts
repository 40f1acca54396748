import type { JsonObject } from '../base/json.ts'
import { numberArg } from './args.ts'
import type { Command, Flag, Invocation, Operand } from './command.ts'
import { configDirFlag } from './config-flags.ts'
import { askRunningManager, promptAnswerMs } from './manager-socket.ts'

const timestampFlag: Flag = {
  name: 'timestamp',
  value: 'TIME',
  summary: 'When it happened, RFC 3339, as 2024-03-05T10:11:12Z (default: now).',
}

/** Every kind of sample has it. */
export const corrIdFlag: Flag = { name: 'corr-id', value: 'ID', summary: 'Ties this sample to others.' }

/** True when a switch is given; else nothing is said about it. */
export function switchOf(invocation: Invocation, name: string): true | undefined {
  return invocation.has(name) ? true : undefined
}

const waitFlag: Flag = {
  name: 'wait',
  value: 'SECONDS',
  summary: 'Wait until the cloud has it, at most so long (default: until the manager has it).',
}

/** A `publish ...` command: they differ in their operands, and in the sample that these make. */
export function publishCommand(parts: {
  readonly kind: string
  readonly summary: string
  readonly operands: readonly Operand[]
  readonly flags?: readonly Flag[]
  readonly sample: (invocation: Invocation) => JsonObject
}): Command {
  const { kind, summary, operands, flags = [], sample } = parts
  const name = `publish ${kind}`
  return {
    name,
    summary,
    operands,
    flags: [...flags, timestampFlag, waitFlag, configDirFlag],
    async run(invocation) {
      const wait = invocation.value('wait')
      const waitS = wait === undefined ? undefined : numberArg(name, '--wait', wait)
      const timestamp = invocation.value('timestamp')
      const corrId = invocation.value(corrIdFlag.name)
      const request = { do: 'publish', kind, ...sample(invocation), timestamp, corrId, waitS }
      await askRunningManager(invocation, request, { timeoutMs: promptAnswerMs + (waitS ?? 0) * 1000 })
      return 0
    },
  }
}
