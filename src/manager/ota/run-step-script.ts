// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { awaitScript, type HeldScript, holdScript, type ScriptEnd } from '../../platform/process/script.ts'
import { scriptLogTail } from '../../platform/process/script-log.ts'
import { Status } from '../../protocol/status.ts'
import type { StepResult, UpdatePlaces, UpdateState } from './state/index.ts'

/** The log of all scripts of an update is kept below this. */
const maxLogBytes = 4 * 1024 * 1024
/** What the operator sees of it when a script fails. */
const maxShownBytes = 2048
const maxShownLines = 20

/**
 * Runs the script of a step, or waits for the one that an earlier process started. That it runs is on flash before it does.
 *
 * @param begun puts the mark of the script on flash
 */
export async function runStepScript(parts: {
  readonly state: UpdateState
  readonly command: string
  readonly places: UpdatePlaces
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly begun: (mark: string) => Promise<void>
}): Promise<StepResult> {
  const { state, command, places, clock, signal, begun } = parts
  if (command === '') return { kind: 'done' }
  const { packageFolder: folder, log: logPath } = places
  const exitPath = places.exitFile(state.step)
  const timeoutS = state.manifest?.scriptTimeoutS ?? 0
  let mark = state.script
  if (mark === undefined) {
    const variables = { HDC_EXTRA_PARAMS: state.request.extraParams }
    const held = await holdScript({ command, folder, logPath, exitPath, variables })
    await letBegin(held, begun)
    mark = held.mark
  }
  const waiting = { mark, exitPath, logPath, maxLogBytes, timeoutMs: timeoutS * 1000, clock, signal }
  const end = await awaitScript(waiting)
  if (end.ended === 'exit' && end.code === 0) return { kind: 'done' }
  const said = lastLines(await scriptLogTail(logPath, maxShownBytes))
  const text = `${howItEnded(end, timeoutS)}${said === '' ? '' : `; last lines:\n${said}`}`
  return { kind: 'failed', status: end.ended === 'timeout' ? Status.TimedOut : Status.ExecutionError, text }
}

async function letBegin(held: HeldScript, begun: (mark: string) => Promise<void>): Promise<void> {
  try {
    await begun(held.mark)
  } catch (error) {
    held.dismiss()
    throw error
  }
  held.begin()
}

function howItEnded(end: ScriptEnd, timeoutS: number): string {
  if (end.ended === 'exit') return `exit code ${end.code}`
  if (end.ended === 'timeout') return `it did not end within ${timeoutS} s, and was ended`
  return 'it was ended from outside'
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-maxShownLines).join('\n')
}
