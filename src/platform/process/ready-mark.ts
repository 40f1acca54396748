import { fstatSync, writeSync } from 'node:fs'

/** Names the descriptor of a file that a supervising shell has opened for this process, to read there that it is ready. */
const variable = 'DEVICE_CLOUD_READY_FD'

/**
 * Takes what a supervising shell has put into the environment for this process alone: nobody that it starts, itself anew
 * included, has that descriptor. The returned function says that the service runs, once; it does nothing where nobody asks.
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
      // Whoever asked has closed it, or the disk is full: he looks at how long this process lives, too.
    }
    descriptor = undefined
  }
}
