// SPDX-License-Identifier: Apache-2.0
/** `of-system FOLDER WORDS…`: the command line of device-cloud on a machine whose configuration is in FOLDER. */
import { runCli } from '../../../src/cli/cli.ts'
import { processTerminal } from '../../../src/cli/shell/process-terminal.ts'

const [systemFolder = '', ...words] = process.argv.slice(2)
const terminal = processTerminal()
const code = await runCli(words, terminal, { systemFolder })
if (code !== undefined) process.exit(await terminal.finish(code))
