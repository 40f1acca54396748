import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { AgentError } from '../base/errors.ts'
import { processEnvironment } from '../platform/process/process-facts.ts'
import type { Terminal } from './command.ts'
import type { ConfigIo } from './config-io.ts'

/** The `config` commands on the terminal of this process. They ask only when a person can see the question and type the answer. */
export function configIo(terminal: Terminal): ConfigIo {
  const canAsk = process.stdin.isTTY === true && terminal.errIsTty
  return {
    out: line => terminal.out(`${line}\n`),
    err: line => terminal.err(`${line}\n`),
    ...(canAsk ? { ask: (question, { hidden }) => askOnTerminal(terminal, question, hidden) } : {}),
    environment: processEnvironment(),
  }
}

/** Questions go to stderr, so that they are seen also when stdout is a file. A hidden answer is not echoed. */
async function askOnTerminal(terminal: Terminal, question: string, hidden: boolean): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  // With a terminal, readline itself writes the question and echoes what is typed, to its output: the silent one swallows both.
  const output = hidden ? silent : process.stderr
  if (hidden) terminal.err(question)
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const interrupted = new AbortController()
  lines.once('SIGINT', () => interrupted.abort())
  lines.once('close', () => interrupted.abort())
  try {
    return await lines.question(hidden ? '' : question, { signal: interrupted.signal })
  } catch (error) {
    // Ctrl-C, Ctrl-D or a terminal that went away.
    throw new AgentError('ABORTED', 'the question was not answered; nothing was written', { cause: error })
  } finally {
    lines.close()
    if (hidden) terminal.err('\n')
  }
}
