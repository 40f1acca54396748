// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../../base/clock.ts'
import { messageOf } from '../../../base/errors.ts'
import type { Log } from '../../../base/log.ts'
import { sleep } from '../../../base/wait.ts'
import { storeFolder } from '../../../platform/store/store-folder.ts'
import { WriteBudget } from '../../../platform/store/write-budget.ts'
import { UpdateJournal, updatePlaces, whyNotSound, whyNotStarted } from '../state/index.ts'
import type { AgentSlot } from './agent-slot.ts'

/** How long the new agent may take to reach the cloud. */
const preflightMs = 5 * 60_000
const pauseMs = 10_000
const maxShownChars = 800

/**
 * The preflight of a new executable, before its trial run as the manager: on this device, with this configuration, it must
 * log in to the cloud as this device and get an answer. The old agent has closed everything, so that the two do not fight
 * for the connection, and waits here: when the new one fails or hangs, the old one continues unchanged. Never rejects.
 *
 * @param args of `device-cloud check`, naming the configuration
 */
export async function runPreflight(parts: {
  readonly slot: AgentSlot
  readonly runtimeDir: string
  readonly args: readonly string[]
  readonly clock: Clock
  readonly log: Log
}): Promise<void> {
  const { slot, runtimeDir, args, clock, log } = parts
  const journal = new UpdateJournal({
    folder: storeFolder(updatePlaces(runtimeDir).stateFolder, new WriteBudget()),
    log,
  })
  try {
    const weak = (await whyNotSound(updatePlaces(runtimeDir))) ?? (await whyNotStarted(slot.candidate))
    if (weak !== undefined) return log.error('the new agent is not started: the old one continues', { error: weak })
    const state = await journal.last()
    if (state?.step !== 'agent') return
    await journal.begin({ ...state, probation: { result: 'begun' } })
    log.info('preflight of the new agent begins', { executable: slot.candidate })
    const why = await runChecks(slot, args, clock)
    await journal.add({
      ...state,
      probation: why === undefined ? { result: 'passed' } : { result: 'failed', text: why },
    })
    if (why !== undefined) await slot.discard()
    if (why === undefined) log.info('the new agent reaches the cloud; its trial run as the manager follows')
    else log.warn('preflight failed; the old agent continues', { error: why })
  } catch (error) {
    log.error('the preflight of the new agent was interrupted; the old one continues', { error })
  } finally {
    await journal.close().catch(() => {})
  }
}

/** Why the new executable may not take over; undefined when it may. */
async function runChecks(slot: AgentSlot, args: readonly string[], clock: Clock): Promise<string | undefined> {
  const untilMs = clock.monotonicMs() + preflightMs
  for (;;) {
    const leftMs = untilMs - clock.monotonicMs()
    const { why, mayPass } = await runCheck(slot, args, leftMs)
    if (why === undefined) return undefined
    if (!mayPass || clock.monotonicMs() + pauseMs >= untilMs)
      return `the new agent did not reach the cloud in its preflight: ${why}`
    await sleep(clock, pauseMs)
  }
}

/** Exit codes of `check` that another try may change: the cloud was not reached, or did not take the login yet. */
const passingCodes: readonly (number | undefined)[] = [4, 5]

async function runCheck(
  slot: AgentSlot,
  args: readonly string[],
  timeoutMs: number,
): Promise<{ why?: string; mayPass: boolean }> {
  try {
    const { ended, exitCode, stdout, stderr } = await slot.run(['check', ...args], timeoutMs)
    if (exitCode === 0) return { mayPass: true }
    const how = ended === 'timeout' ? 'it did not end in time' : `exit code ${exitCode ?? 'none'}`
    const said = `${stdout}${stderr}`.trim().slice(-maxShownChars)
    return { why: said === '' ? how : `${how}: ${said}`, mayPass: passingCodes.includes(exitCode) }
  } catch (error) {
    return { why: messageOf(error), mayPass: false }
  }
}
