// SPDX-License-Identifier: Apache-2.0
/** The events of an emitter: name → arguments of its listeners. */
export type EventMap = Record<string, readonly unknown[]>

/** Reports that a listener threw, so that the owner of the emitter can log it. */
export type ListenerFailure = (event: string, error: unknown) => void

/**
 * Typed events in which a listener that throws does no harm: the others are still called, and the failure is reported.
 * (Node's EventEmitter lets the exception through to the emitter of the event, which in an agent is a network callback.)
 */
export class Emitter<Events extends EventMap> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...args: Events[Name]) => unknown> } = {}
  readonly #onFailure: ListenerFailure

  constructor(onFailure: ListenerFailure) {
    this.#onFailure = onFailure
  }

  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => unknown): () => void {
    const listeners = this.#listeners[event] ?? new Set<(...args: Events[Name]) => unknown>()
    this.#listeners[event] = listeners
    listeners.add(listener)
    return () => this.off(event, listener)
  }

  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => unknown): void {
    this.#listeners[event]?.delete(listener)
  }

  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        const returned = listener(...args)
        // A listener may be an async function: its failure is reported the same way.
        if (returned instanceof Promise) returned.catch(error => this.#onFailure(String(event), error))
      } catch (error) {
        this.#onFailure(String(event), error)
      }
    }
  }
}
