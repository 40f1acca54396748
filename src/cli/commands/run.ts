// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { operand } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'
import { warnOfOrphans } from '../shell/warn-of-orphans.ts'

export const command: Command = {
  name: 'run',
  summary: 'Run your own .js, .cjs or .mjs application with the library built in.',
  description: [
    'import and require of "device-cloud" give the library of this executable, also in processes that the application starts with',
    'fork() or cluster. ARGS go to the application. SIGTERM, SIGINT and SIGHUP shut down an application that does not listen for',
    'them: its clients send for up to 5 seconds, and the rest goes to flash.',
  ].join('\n'),
  operands: [{ name: 'APP' }, { name: 'ARGS', optional: true, rest: true }],
  flags: [],
  runsForeignCode: true,
  async run(invocation, terminal) {
    const path = resolve(operand(invocation, 0))
    const { fileFacts } = await import('../../platform/files/file-facts.ts')
    if ((await fileFacts(path))?.kind !== 'file')
      throw new AgentError('FILE_NOT_FOUND', `There is no application ${path}.`, {
        details: { path },
        remedy: 'Check its path.',
      })
    warnOfOrphans(terminal)
    const { endOnSignals } = await import('../application/end-on-signal.ts')
    const { reportUncaught } = await import('../application/uncaught.ts')
    reportUncaught(terminal, endOnSignals())
    const { runApplication } = await import('../application/run-application.ts')
    await runApplication(path, invocation.operands.slice(1), await import('../../index.ts'))
    return undefined
  },
}
