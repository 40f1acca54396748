// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { Status } from '../../protocol/status.ts'
import type { ManagedAction } from './action.ts'
import { answerSafely } from './answer-first.ts'
import { failureOutcome } from './failure-outcome.ts'

/** Switches the machine off or reboots it. */
export interface PowerSwitch {
  /** Throws an AgentError when this process may not or cannot do it. Changes nothing. */
  check(): Promise<void>
  /**
   * Does it. Returning means only that the system, or root for this process, has taken the order.
   *
   * @param id of the call
   */
  act(id: string): Promise<void>
}

interface PowerParts {
  readonly power: PowerSwitch
  /** Publishes an event about what went wrong after the answer. */
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
 * First the check, then the answer, then the order: an operator who reads "success" gets a reboot, and reads the reason when
 * the device may not reboot. The next process gives an answer that did not get through in time, when it finds that the machine
 * did go down. A machine that takes the order and still runs is reported as well.
 */
function powerAction(name: string, word: string, parts: PowerParts): ManagedAction {
  const { power, report, clock, log } = parts
  const stillRuns = (id: string) => {
    const text = `${word} failed: the machine took the order, and still runs ${goingDownMs / 60_000} minutes later`
    log.error(text, { id })
    void report(text).catch(error =>
      log.warn('event not published: the machine still runs after its order to go down', { error }),
    )
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
