// SPDX-License-Identifier: Apache-2.0
/**
 * Makes V8 collect all garbage and give back its reserves: old code, empty pages, half of its young generation. Blocks everything
 * else meanwhile: some 50 ms on a fast machine, up to a second on a slow one. It goes through an inspector session, which every
 * supported Node has; that opens no port. Resolves to false where Node was built without an inspector.
 */
export async function collectGarbage(): Promise<boolean> {
  // Loaded here, so that a process that never needs it does not pay for it at its start.
  const inspector = await import('node:inspector').catch(() => undefined)
  if (inspector === undefined) return false
  const session = new inspector.Session()
  session.connect()
  try {
    return await new Promise<boolean>(resolve =>
      session.post('HeapProfiler.collectGarbage', error => resolve(error === null)),
    )
  } finally {
    session.disconnect()
  }
}
