// SPDX-License-Identifier: Apache-2.0
const compactFrom = 1024

/** A queue in an array: adding at the tail and taking at the head cost the same however long it is. */
export class Fifo<T> {
  #slots: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#slots.length - this.#head
  }

  push(value: T): void {
    this.#slots.push(value)
  }

  peek(): T | undefined {
    return this.#slots[this.#head]
  }

  shift(): T | undefined {
    if (this.#head === this.#slots.length) return undefined
    const value = this.#slots[this.#head]
    this.#slots[this.#head] = undefined
    this.#head++
    if (this.#head === this.#slots.length) {
      this.#slots = []
      this.#head = 0
    } else if (this.#head >= compactFrom && this.#head * 2 > this.#slots.length) {
      // Each value is moved at most once for each one taken, so this stays cheap.
      this.#slots = this.#slots.slice(this.#head)
      this.#head = 0
    }
    return value
  }

  /** All values in order; they stay. */
  values(): T[] {
    return this.#slots.slice(this.#head) as T[]
  }

  /** Puts values back at the head, in their order. */
  unshift(values: readonly T[]): void {
    if (values.length > this.#head) {
      this.#slots = [...values, ...this.#slots.slice(this.#head)]
      this.#head = 0
      return
    }
    this.#head -= values.length
    for (const [index, value] of values.entries()) this.#slots[this.#head + index] = value
  }
}
