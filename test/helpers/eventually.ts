/**
 * Waits until `probe` returns something other than undefined, null or false, and returns it.
 * For conditions of other processes, which send no event; fails with `what` after `timeoutMs`.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<T, undefined | null | false>> {
  const untilMs = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== null && found !== false) return found as Exclude<T, undefined | null | false>
    if (performance.now() > untilMs) throw new Error(`${what}: not seen within ${timeoutMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
