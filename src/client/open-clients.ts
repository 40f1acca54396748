import type { DisconnectOptions } from './link-options.ts'

/** What there is to end of a client. */
interface Open {
  readonly isConnected: boolean
  disconnect(options: DisconnectOptions): Promise<boolean>
}

const open = new Set<Open>()

/** A client may hold samples from now on. */
export function clientOpened(client: Open): void {
  open.add(client)
}

/** A client is closed. */
export function clientClosed(client: Open): void {
  open.delete(client)
}

/** Disconnects all clients of this process; those with a link wait until the cloud has everything. Takes `timeoutMs` and a little. */
export async function disconnectAll(timeoutMs: number): Promise<void> {
  const ends = [...open].map(client => client.disconnect({ waitForReplies: client.isConnected, timeoutMs }))
  await Promise.allSettled(ends)
}
