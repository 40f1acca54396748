// SPDX-License-Identifier: Apache-2.0
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { HealthSample } from '../../platform/system/health.ts'

/** The telemetry of a sample: a name for each number that the machine reports. */
export function healthTelemetry(sample: HealthSample): readonly (readonly [name: string, value: number])[] {
  const percentUsed = (free: number | undefined, total: number | undefined) =>
    free === undefined || total === undefined || total === 0 ? undefined : round(100 * (1 - free / total))
  const values: readonly (readonly [string, number | undefined])[] = [
    ['health_load_1min', sample.load?.[0]],
    ['health_memory_used_percent', percentUsed(sample.memoryAvailableBytes, sample.memoryTotalBytes)],
    ['health_disk_used_percent', percentUsed(sample.diskFreeBytes, sample.diskTotalBytes)],
    ['health_temperature_celsius', sample.temperatureC === undefined ? undefined : round(sample.temperatureC)],
    ['health_uptime_seconds', sample.uptimeS === undefined ? undefined : Math.floor(sample.uptimeS)],
    ['health_agent_memory_bytes', sample.ownMemoryBytes],
  ]
  return values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
}

/** Publishes the health of the machine every `intervalS` seconds, the first time at once; 0 never does. */
export class HealthReporter {
  readonly #clock: Clock
  readonly #read: () => Promise<HealthSample>
  readonly #publish: (name: string, value: number) => Promise<unknown>
  readonly #log: Log
  #intervalMs = 0
  #timer: Timer | undefined

  constructor(parts: {
    clock: Clock
    read: () => Promise<HealthSample>
    publish: (name: string, value: number) => Promise<unknown>
    log: Log
  }) {
    this.#clock = parts.clock
    this.#read = parts.read
    this.#publish = parts.publish
    this.#log = parts.log
  }

  /** Begins, or continues at another interval. */
  start(intervalS: number): void {
    if (this.#timer !== undefined && this.#intervalMs === intervalS * 1000) return
    this.stop()
    this.#intervalMs = intervalS * 1000
    if (this.#intervalMs > 0) this.#report()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #report(): void {
    // The next sample is scheduled first: one that takes long (a failing disk) must not end the series.
    this.#timer = this.#clock.timer(this.#intervalMs, () => this.#report())
    this.#sample().catch(error => this.#log.limited('health', 'warn', 'health sample not published', { error }))
  }

  async #sample(): Promise<void> {
    for (const [name, value] of healthTelemetry(await this.#read())) await this.#publish(name, value)
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
