// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'

/** `setInterval` and `clearInterval` over a {@link Clock}, in the shape that the MQTT client takes for its keep-alive. */
export function clockIntervals(clock: Clock): {
  set(callback: () => void, everyMs: number): number
  clear(id: number): void
} {
  const running = new Map<number, Timer>()
  let last = 0
  return {
    set(callback, everyMs) {
      const id = ++last
      const arm = () => {
        running.set(
          id,
          clock.timer(everyMs, () => {
            arm()
            callback()
          }),
        )
      }
      arm()
      return id
    },
    clear(id) {
      running.get(id)?.cancel()
      running.delete(id)
    },
  }
}
