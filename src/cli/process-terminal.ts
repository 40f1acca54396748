import { AgentError, errnoOf, messageOf, withoutStop } from '../base/errors.ts'
import type { Terminal } from './command.ts'

/** The terminal of this process. */
export interface ProcessTerminal extends Terminal {
  /**
   * Waits until everything is written.
   *
   * @returns the exit code: `code`, or 1 when the command succeeded and its output is lost
   */
  finish(code: number): Promise<number>
}

/**
 * Output that cannot be written never ends the process: a manager outlives its terminal, and a full disk behind its log.
 * A reader that goes away (`device-cloud status | head -1`) is no error; output that is lost in any other way is one at the end.
 */
export function processTerminal(): ProcessTerminal {
  const { stdout, stderr } = process
  // A write that fails is an "error" event as well, and one that nobody hears ends the process.
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
          new AgentError('ABORTED', `Nobody reads what is written: ${cause.message}`, { cause })
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
        `device-cloud: the output could not be written: ${withoutStop(messageOf(lost))}. Check where standard output goes.\n`,
      )
      return 1
    },
  }
}

/**
 * What came from outside must not drive the terminal: a status has words of the cloud in it, and whoever owns the runtime folder
 * can answer in the place of the manager. Our own line of progress begins anew by CR, and clears what is left by ESC [K.
 */
function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/\u001b(?!\[K)|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009f]/g, '?')
}
