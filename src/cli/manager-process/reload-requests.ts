/** Requests to read the configuration again: one that comes while nobody can do it is done as soon as somebody can. */
export class ReloadRequests {
  #waits = false
  #reload: (() => void) | undefined

  /** SIGHUP came. */
  ask(): void {
    if (this.#reload === undefined) this.#waits = true
    else this.#reload()
  }

  /** The configuration is about to be read, so that what was asked for before is done by that. What comes now may come too late. */
  begin(): void {
    this.#waits = false
    this.#reload = undefined
  }

  /** From now on `reload` does it. */
  servedBy(reload: () => void): void {
    this.#reload = reload
    if (!this.#waits) return
    this.#waits = false
    reload()
  }
}
