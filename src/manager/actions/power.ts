import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerFirst } from './answer-first.ts'
import { failureOutcome } from './failure-outcome.ts'

/** What ends or restarts the machine. */
export interface PowerSwitch {
  /** Throws an AgentError when this process may not or cannot do it, without doing it. */
  check(): Promise<void>
  /** Does it. Returning says only that the system has taken the order. */
  act(): Promise<void>
}

/** Ids of calls that the next process has to answer. */
export interface AnswerLater {
  add(id: string, status: number): Promise<void>
  remove(id: string): Promise<void>
  /** Whether an earlier process did this call already. */
  wasDone(id: string): boolean
}

interface PowerParts {
  readonly power: PowerSwitch
  readonly later: AnswerLater
  /** Tells the cloud what went wrong after the answer was given. */
  readonly report: (text: string) => Promise<void>
  readonly log: Log
}

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
 * one whose device may not reboot reads why. When the answer does not get through in time, its id stays on disk: the next
 * process answers, and a cloud that hands the message out again gets that answer instead of a second reboot.
 */
function powerAction(name: string, word: string, parts: PowerParts): ManagedAction {
  const { power, later, report, log } = parts
  return {
    name,
    switchedBy: name,
    run: async ({ id }, help) => {
      if (later.wasDone(id)) return { status: Status.Success, message: '' }
      try {
        await power.check()
      } catch (error) {
        const { status, message = '' } = failureOutcome(error)
        return {
          status: status === Status.NotSupported ? status : Status.Failure,
          message: `${word} failed: ${message}`,
        }
      }
      await later.add(id, Status.Success)
      const delivered = await answerFirst(help, { status: Status.Success, message: '' })
      if (delivered) await later.remove(id)
      log.warn(`${word} by order of the cloud`, { id, answerDelivered: delivered })
      try {
        await power.act()
      } catch (error) {
        if (!delivered) await later.remove(id)
        log.error(`${word} failed after it was acknowledged`, { id, error })
        await report(`${word} failed: ${messageOf(error)}`)
      }
      return undefined
    },
  }
}
