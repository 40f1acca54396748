/**
 * Listens for an event of the process as long as nobody else does: what the application listens for itself is the application's
 * business alone, and it can count its listeners as in any Node process.
 *
 * @returns ends that
 */
export function standIn(event: string, listener: (...args: never[]) => void): () => void {
  // The types know each event by its name; here it is any.
  const events: NodeJS.EventEmitter = process
  const own = listener as (...args: unknown[]) => void
  const guarded = (...args: unknown[]) => {
    if (events.listenerCount(event) === 1) own(...args)
  }
  const added = (name: unknown, other: unknown) => {
    // Not at once: without any listener Node takes no signal, and the new one is not there yet.
    if (name === event && other !== guarded) process.nextTick(giveWay)
  }
  const removed = (name: unknown, other: unknown) => {
    if (name === event && other !== guarded && events.listenerCount(event) === 0) events.on(event, guarded)
  }
  const giveWay = () => {
    if (events.listenerCount(event) > 1) events.off(event, guarded)
  }
  events.on(event, guarded)
  events.on('newListener', added)
  events.on('removeListener', removed)
  return () => {
    events.off('newListener', added)
    events.off('removeListener', removed)
    events.off(event, guarded)
  }
}
