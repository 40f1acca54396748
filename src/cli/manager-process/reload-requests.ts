// SPDX-License-Identifier: Apache-2.0
/** Requests to reload the configuration. One that comes while no manager can do it is kept until a manager can. */
export class ReloadRequests {
  #waits = false
  #reload: (() => void) | undefined

  /** SIGHUP came. */
  ask(): void {
    if (this.#reload === undefined) this.#waits = true
    else this.#reload()
  }

  /** Called when the configuration is about to be read, which serves all earlier requests. A later one may come too late for it, and is kept. */
  begin(): void {
    this.#waits = false
    this.#reload = undefined
  }

  /** From now on `reload` serves the requests, beginning with a kept one. */
  servedBy(reload: () => void): void {
    this.#reload = reload
    if (!this.#waits) return
    this.#waits = false
    reload()
  }
}
