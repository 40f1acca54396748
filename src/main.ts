// SPDX-License-Identifier: Apache-2.0
import { runCli } from './cli/cli.ts'
import { guardProcess } from './cli/shell/guard-process.ts'
import { processTerminal } from './cli/shell/process-terminal.ts'

const terminal = processTerminal()

void runCli(process.argv.slice(2), terminal, { guardProcess: () => guardProcess(terminal) }).then(async code => {
  if (code !== undefined) process.exit(await terminal.finish(code))
})
