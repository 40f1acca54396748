// SPDX-License-Identifier: Apache-2.0
import { inspect, isDeepStrictEqual } from 'node:util'

/** How long a test waits for what must come. Only a failure takes all of it, so it is long enough for a machine that is slow and busy. */
export const patienceMs = 60_000

/**
 * Waits until `probe` returns something other than undefined, null or false, and returns it: for conditions of other
 * processes, which send no event. A file that is not there yet counts as not yet; any other error ends the wait.
 * Fails after `timeoutMs` with `what` (a function tells it at that moment) and with what the probe saw last.
 */
export async function eventually<T>(
  what: string | (() => string),
  probe: () => T | Promise<T>,
  timeoutMs = patienceMs,
): Promise<Exclude<T, undefined | null | false>> {
  const untilMs = performance.now() + timeoutMs
  for (;;) {
    let last: unknown
    try {
      const found = await probe()
      if (found !== undefined && found !== null && found !== false) return found as Exclude<T, undefined | null | false>
      last = found
    } catch (error) {
      if (!isMissingFile(error)) throw error
      last = error
    }
    if (performance.now() > untilMs) {
      const told = typeof what === 'string' ? `${what}, last seen: ${inspect(last)}` : what()
      throw new Error(`not within ${timeoutMs} ms: ${told}`)
    }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Waits until `probe` returns something that is deeply equal to `expected`; fails with what it returned last. */
export async function eventuallyEqual<T>(what: string, probe: () => T | Promise<T>, expected: T): Promise<void> {
  let last: T | undefined
  const told = () => `${what}, last seen: ${inspect(last)}, expected: ${inspect(expected)}`
  await eventually(told, async () => {
    last = await probe()
    return isDeepStrictEqual(last, expected)
  })
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
