// SPDX-License-Identifier: Apache-2.0
/** How a long-running command reacts to the signals of the system. */
export interface SignalListeners {
  /** SIGTERM, SIGINT, SIGQUIT: end in good order. Called for each of them, so that a second one can speed that up. */
  stop(signal: string): void
  /** SIGHUP: read the configuration again. */
  reload(): void
}

const stopping = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

/** Listens for signals; after the returned function was called, the signals end the process again. */
export function onSignals(listeners: SignalListeners): () => void {
  const stop = (signal: NodeJS.Signals) => listeners.stop(signal)
  const reload = () => listeners.reload()
  for (const signal of stopping) process.on(signal, stop)
  process.on('SIGHUP', reload)
  return () => {
    for (const signal of stopping) process.off(signal, stop)
    process.off('SIGHUP', reload)
  }
}
