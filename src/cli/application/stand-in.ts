// SPDX-License-Identifier: Apache-2.0
/**
 * Listens for an event of the process as long as the application does not. A listener of the application replaces this one, so that
 * the application handles its events alone and counts its listeners as in any Node process.
 *
 * @returns a function that stops listening
 */
export function standIn(event: string, listener: (...args: never[]) => void): () => void {
  // The types list each event by name, but this takes any name.
  const events: NodeJS.EventEmitter = process
  const own = listener as (...args: unknown[]) => void
  const guarded = (...args: unknown[]) => {
    if (events.listenerCount(event) === 1) own(...args)
  }
  const added = (name: unknown, other: unknown) => {
    // Not at once: the new listener is added only after this event, and without a listener a signal would end the process.
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
