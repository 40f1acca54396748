import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerSafely } from './answer-first.ts'
import { failureOutcome } from './failure-outcome.ts'

/** What ends or restarts the machine. */
export interface PowerSwitch {
  /** Throws an AgentError when this process may not or cannot do it, without doing it. */
  check(): Promise<void>
  /**
   * Does it. Returning says only that the system, or who does it for this process, has taken the order.
   *
   * @param id of the call
   */
  act(id: string): Promise<void>
}

interface PowerParts {
  readonly power: PowerSwitch
  /** Tells the cloud what went wrong after the answer was given. */
  readonly report: (text: string) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** How long the machine may take to go down. */
const goingDownMs = 10 * 60_000

/** `reboot_device` [TR50 4.5]. */
export function rebootAction(parts: PowerParts): ManagedAction {
  return powerAction('reboot_device', 'reboot', parts)
}

/** `shutdown_device` [TR50 4.5]. */
export function shutdownAction(parts: PowerParts): ManagedAction {
  return powerAction('shutdown_device', 'shutdown', parts)
}

/**
 * First whether it can be done at all, then the answer, then the deed: an operator who reads "success" gets a reboot, and
 * one whose device may not reboot reads why. An answer that does not get through in time is given by the next process,
 * when it finds that the machine did go down. A machine that takes the order and still runs is told of as well.
 */
function powerAction(name: string, word: string, parts: PowerParts): ManagedAction {
  const { power, report, clock, log } = parts
  const stillRuns = (id: string) => {
    const text = `${word} failed: the machine took the order, and still runs ${goingDownMs / 60_000} minutes later`
    log.error(text, { id })
    void report(text).catch(error => log.warn('that the machine still runs is not reported', { error }))
  }
  return {
    name,
    switchedBy: name,
    run: async ({ id }, help) => {
      try {
        await power.check()
      } catch (error) {
        const { status, message = '' } = failureOutcome(error)
        return {
          status: status === Status.NotSupported ? status : Status.Failure,
          message: `${word} failed: ${message}`,
        }
      }
      const delivered = await answerSafely(help, done, { onlyAfterReboot: true })
      if (delivered === undefined) return undefined
      log.warn(`${word} by order of the cloud`, { id, answerDelivered: delivered })
      try {
        await power.act(id)
        clock.timer(goingDownMs, () => stillRuns(id), { background: true })
      } catch (error) {
        log.error(`${word} failed after it was acknowledged`, { id, error })
        await report(`${word} failed: ${messageOf(error)}`)
      }
      return undefined
    },
  }
}

const done = { status: Status.Success, message: '' }
