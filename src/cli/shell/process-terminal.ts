// SPDX-License-Identifier: Apache-2.0
import { AgentError, errnoOf, messageOf, withoutStop } from '../../base/errors.ts'
import type { Terminal } from './command.ts'

/** The terminal of this process. */
export interface ProcessTerminal extends Terminal {
  /**
   * Waits until all output is written.
   *
   * @returns the exit code: `code`, or 1 when the command succeeded but its output is lost
   */
  finish(code: number): Promise<number>
}

/**
 * A failed write never ends the process: a manager must survive the end of its terminal and a full disk behind its log.
 * A reader that closes its end (`device-cloud status | head -1`) is not an error. Any other lost output is one, reported at the end.
 */
export function processTerminal(): ProcessTerminal {
  const { stdout, stderr } = process
  // A failed write also emits "error", and without a listener that would end the process.
  stdout.on('error', () => {})
  stderr.on('error', () => {})
  let lost: Error | undefined
  let written = Promise.resolve()
  const err = (text: string) => void stderr.write(shown(text))
  return {
    outIsTty: stdout.isTTY === true,
    errIsTty: stderr.isTTY === true,
    outBytes: bytes =>
      new Promise((resolve, reject) => {
        const gone = (cause: Error) =>
          new AgentError('ABORTED', `The output has no reader any more: ${cause.message}`, { cause })
        stdout.write(bytes, error => (error ? reject(gone(error)) : resolve()))
      }),
    out: text => {
      written = new Promise(resolve => {
        stdout.write(shown(text), error => {
          if (error != null && errnoOf(error) !== 'EPIPE') lost ??= error
          resolve()
        })
      })
    },
    err,
    finish: async code => {
      await written
      if (lost === undefined || code !== 0) return code
      err(
        `device-cloud: The output could not be written: ${withoutStop(messageOf(lost))}. Check where standard output goes.\n`,
      )
      return 1
    },
  }
}

/**
 * Replaces control characters, which must not reach the terminal from outside: a status holds texts of the cloud, and the owner of
 * the runtime folder can answer in place of the manager. CR and ESC [K stay, because the progress line of a transfer needs them.
 */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/\u001b(?!\[K)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/g, '?')
}
