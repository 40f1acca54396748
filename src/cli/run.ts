import { resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import type { Command } from './command.ts'
import { operand } from './words.ts'

export const command: Command = {
  name: 'run',
  summary: 'Run your own .js, .cjs or .mjs application with the library built in.',
  description: 'import and require of "device-cloud" give the library of this executable. ARGS go to the application.',
  operands: [{ name: 'APP' }, { name: 'ARGS', optional: true, rest: true }],
  flags: [],
  runsForeignCode: true,
  async run(invocation) {
    const path = resolve(operand(invocation, 0))
    const { fileFacts } = await import('../platform/file-facts.ts')
    if ((await fileFacts(path))?.kind !== 'file')
      throw new AgentError('FILE_NOT_FOUND', `There is no application ${path}.`, {
        details: { path },
        remedy: 'Check its path.',
      })
    const { runApplication } = await import('./application/run-application.ts')
    await runApplication(path, invocation.operands.slice(1), await import('../index.ts'))
    return undefined
  },
}
