// SPDX-License-Identifier: Apache-2.0
import { spaceAt } from '../files/space.ts'
import { residentBytes } from './own-memory.ts'
import { systemNames, systemText } from './system-file.ts'

/** The state of the machine at one moment. Values that it does not report are absent. */
export interface HealthSample {
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load?: readonly [number, number, number]
  readonly memoryTotalBytes?: number
  /** What programs may still get without swapping. */
  readonly memoryAvailableBytes?: number
  readonly diskTotalBytes?: number
  readonly diskFreeBytes?: number
  readonly uptimeS?: number
  /** The hottest sensor, degrees Celsius. */
  readonly temperatureC?: number
  /** Resident memory of this process. */
  readonly ownMemoryBytes?: number
}

/** Takes a sample; `diskPath` is on the file system to measure. `root` is another folder in tests. */
export async function readHealth(diskPath: string, root = '/'): Promise<HealthSample> {
  const load = await readLoad(root)
  const uptimeS = parseNumber((await systemText(root, 'proc/uptime'))?.split(' ')[0])
  const temperatureC = await readTemperature(root)
  const space = await spaceAt(diskPath).catch(() => undefined)
  const ownMemoryBytes = residentBytes()
  return {
    ...(load === undefined ? {} : { load }),
    ...(await readMemory(root)),
    ...(space === undefined ? {} : { diskTotalBytes: space.totalBytes, diskFreeBytes: space.freeBytes }),
    ...(uptimeS === undefined ? {} : { uptimeS }),
    ...(temperatureC === undefined ? {} : { temperatureC }),
    ...(ownMemoryBytes === undefined ? {} : { ownMemoryBytes }),
  }
}

async function readLoad(root: string): Promise<[number, number, number] | undefined> {
  const [one, five, fifteen] = ((await systemText(root, 'proc/loadavg')) ?? '').split(' ').map(parseNumber)
  return one === undefined || five === undefined || fifteen === undefined ? undefined : [one, five, fifteen]
}

async function readMemory(root: string): Promise<{ memoryTotalBytes?: number; memoryAvailableBytes?: number }> {
  const text = (await systemText(root, 'proc/meminfo')) ?? ''
  const bytesOf = (name: string) => {
    const kilobytes = parseNumber(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1])
    return kilobytes === undefined ? undefined : kilobytes * 1024
  }
  const total = bytesOf('MemTotal')
  if (total === undefined) return {}
  // Linux before 3.14 has no estimate of its own.
  const estimate = (bytesOf('MemFree') ?? 0) + (bytesOf('Buffers') ?? 0) + (bytesOf('Cached') ?? 0)
  return { memoryTotalBytes: total, memoryAvailableBytes: bytesOf('MemAvailable') ?? estimate }
}

async function readTemperature(root: string): Promise<number | undefined> {
  let hottest: number | undefined
  for (const zone of await systemNames(root, 'sys/class/thermal')) {
    if (!zone.startsWith('thermal_zone')) continue
    const read = parseNumber(await systemText(root, `sys/class/thermal/${zone}/temp`))
    if (read === undefined) continue
    // The unit is a thousandth of a degree; some old drivers give degrees.
    const degrees = Math.abs(read) >= 1000 ? read / 1000 : read
    // Zones without a sensor report nonsense such as -273 or 0.
    if (degrees > -60 && degrees < 200 && degrees !== 0) hottest = Math.max(hottest ?? degrees, degrees)
  }
  return hottest
}

function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
