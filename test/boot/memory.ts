// SPDX-License-Identifier: Apache-2.0
/** What a process on an emulated device holds in memory. */
import { BuildError } from '../../build/build-error.ts'
import type { EmulatedMachine } from './machine.ts'

/** All in kB. */
export interface MemoryFigures {
  /** All of its pages that are in memory, those of files among them, which the kernel may drop at any time. */
  readonly rss: number
  /** Pages that belong to no file. */
  readonly rssAnon: number
  /** What nothing but the end of the process gives back. */
  readonly privateDirty: number
  /** Of the whole device, for other programs. */
  readonly available: number
}

export async function memoryOf(machine: EmulatedMachine, pid: number): Promise<MemoryFigures> {
  const text = await machine.run(`cat /proc/${pid}/status /proc/${pid}/smaps_rollup /proc/meminfo`, 120_000)
  const figure = (name: string) => {
    const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]
    if (kb === undefined) throw new BuildError(`the device does not tell ${name}`)
    return Number(kb)
  }
  return {
    rss: figure('VmRSS'),
    rssAnon: figure('RssAnon'),
    privateDirty: figure('Private_Dirty'),
    available: figure('MemAvailable'),
  }
}

/** One line for a person, in MB. */
export function memoryLine({ rss, rssAnon, privateDirty, available }: MemoryFigures): string {
  const mb = (kb: number) => (kb / 1024).toFixed(1)
  return `Private_Dirty ${mb(privateDirty)} MB, RssAnon ${mb(rssAnon)} MB, RSS ${mb(rss)} MB; MemAvailable of the device ${mb(available)} MB`
}
