import { AgentError } from '../base/errors.ts'
import type { Terminal } from './command.ts'

/** The terminal of this process. A reader that goes away (`device-cloud status | head -1`) is no error. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process
  const ignoreBrokenPipe = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  }
  stdout.on('error', ignoreBrokenPipe)
  stderr.on('error', ignoreBrokenPipe)
  return {
    outIsTty: stdout.isTTY === true,
    errIsTty: stderr.isTTY === true,
    out: text => void stdout.write(text),
    outBytes: bytes =>
      new Promise((resolve, reject) => {
        const gone = (cause: Error) =>
          new AgentError('ABORTED', `Nobody reads what is written: ${cause.message}`, { cause })
        stdout.write(bytes, error => (error ? reject(gone(error)) : resolve()))
      }),
    err: text => void stderr.write(text),
  }
}
