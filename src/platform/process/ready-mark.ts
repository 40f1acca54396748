// SPDX-License-Identifier: Apache-2.0
import { fstatSync, writeSync } from 'node:fs'

/** Names the descriptor of a file that a supervising shell has opened, where this process reports that it is ready. */
const variable = 'DEVICE_CLOUD_READY_FD'

/**
 * Removes the variable of a supervising shell from the environment: it is for this process alone, and no process that this one starts,
 * itself anew included, has that descriptor. The returned function reports once that the service runs; without such a shell it
 * does nothing.
 */
export function takeReadyMark(): () => void {
  const given = process.env[variable] ?? ''
  delete process.env[variable]
  let descriptor = /^[3-9]$/.test(given) ? Number(given) : undefined
  return () => {
    if (descriptor === undefined) return
    try {
      if (fstatSync(descriptor).isFile()) writeSync(descriptor, 'ready\n')
    } catch {
      // The shell has closed it, or the disk is full: the shell also watches how long this process lives.
    }
    descriptor = undefined
  }
}
