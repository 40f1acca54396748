// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { runProgram } from '../../platform/process/program.ts'
import type { ServiceForm } from './service-file.ts'

const timeoutMs = 30_000

/** Whether the service of an earlier installation runs on this device, or would if it stayed up. */
export async function isServiceRunning(form: ServiceForm, clock: Clock): Promise<boolean> {
  const [file, ...args] = form.statusCommand
  try {
    const { exitCode, stdout } = await runProgram({ file, args, timeoutMs, maxOutputBytes: 4096, clock })
    return form.isRunning(exitCode, stdout)
  } catch (error) {
    // An init system without its program cannot run the service either.
    if (error instanceof AgentError) return false
    throw error
  }
}
