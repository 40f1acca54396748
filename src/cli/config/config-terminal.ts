// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { AgentError } from '../../base/errors.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import type { Terminal } from '../shell/command.ts'
import type { ConfigIo } from './config-io.ts'

/** Connects the `config` commands to this process. They can ask only when a person sees the question and can type the answer. */
export function configIo(terminal: Terminal): ConfigIo {
  const canAsk = process.stdin.isTTY === true && terminal.errIsTty
  return {
    out: line => terminal.out(`${line}\n`),
    err: line => terminal.err(`${line}\n`),
    ask: canAsk ? (question, { hidden }) => askOnTerminal(terminal, question, hidden) : undefined,
    environment: processEnvironment(),
  }
}

/** Asks on stderr, which the person sees even when stdout is a file. A hidden answer is not echoed. */
async function askOnTerminal(terminal: Terminal, question: string, hidden: boolean): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  // On a terminal, readline writes the question and the echo to its output: the silent one drops both.
  const output = hidden ? silent : process.stderr
  if (hidden) terminal.err(question)
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const interrupted = new AbortController()
  lines.once('SIGINT', () => interrupted.abort())
  lines.once('close', () => interrupted.abort())
  try {
    return await lines.question(hidden ? '' : question, { signal: interrupted.signal })
  } catch (error) {
    // Ctrl-C, Ctrl-D or a closed terminal.
    throw new AgentError('ABORTED', 'The question was not answered. Nothing was written.', { cause: error })
  } finally {
    lines.close()
    if (hidden) terminal.err('\n')
  }
}
