// SPDX-License-Identifier: Apache-2.0
import type { DisconnectOptions } from './link-options.ts'

/** The part of a client that is needed to end it. */
interface Open {
  readonly isConnected: boolean
  disconnect(options: DisconnectOptions): Promise<boolean>
}

const open = new Set<Open>()

/** Records that a client may hold samples from now on. */
export function clientOpened(client: Open): void {
  open.add(client)
}

/** Records that a client is closed. */
export function clientClosed(client: Open): void {
  open.delete(client)
}

/** Disconnects all clients of this process; those with a link wait until the cloud has everything. Takes little more than `timeoutMs`. */
export async function disconnectAll(timeoutMs: number): Promise<void> {
  const ends = [...open].map(client => client.disconnect({ waitForReplies: client.isConnected, timeoutMs }))
  await Promise.allSettled(ends)
}
