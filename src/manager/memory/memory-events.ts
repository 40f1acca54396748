import type { RestartNote } from './restart-note.ts'
import { megabyte } from './soft-limit.ts'

/** What the cloud is told about memory: nobody reads the log of a device in the field. */
export interface MemoryEvents {
  /** Resolves when it will arrive, whatever happens to this process. */
  restarted(note: RestartNote): Promise<void>
  /** Above the limit, and restarting does not help. */
  held(facts: { readonly usedBytes: number; readonly limitBytes: number }): Promise<void>
}

interface EventClient {
  readonly events: {
    publish(text: string, options: { readonly level: 'error' | 'warning' }): Promise<{ delivered(): Promise<void> }>
  }
  spill(): Promise<boolean>
}

/** Tells it as events. */
export function memoryEvents(client: EventClient): MemoryEvents {
  return {
    async restarted({ at, usedBytes, limitBytes, aboveS }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)}) for ${aboveS} s`
      const text = `memory_restart: the device manager restarted itself at ${at}: it held ${sizes}.`
      const receipt = await client.events.publish(text, { level: 'warning' })
      // On flash it outlives this process; where nothing goes to flash only the cloud can have it.
      if (!(await client.spill())) await receipt.delivered()
    },
    async held({ usedBytes, limitBytes }) {
      const sizes = `${inMegabytes(usedBytes)}, above memory_soft_limit (${inMegabytes(limitBytes)})`
      const text = `memory_pressure: the device manager holds ${sizes}, and a restart does not help. It goes on without one.`
      await client.events.publish(text, { level: 'error' })
    },
  }
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / megabyte).toFixed(1)} MB`
}
