// SPDX-License-Identifier: Apache-2.0
import { memoryOfMachine } from '../../platform/system/own-memory.ts'

export const megabyte = 1024 * 1024
const minMb = 32
const maxMb = 256

/**
 * The soft limit of the manager's private memory in bytes; 0 = none. Without a setting it is a third of the machine's memory
 * within bounds: the lower bound is three times what an idle agent needs on a small device, and a healthy agent stays below
 * the upper one.
 */
export function softLimitBytes(settingMb: number | undefined, machineBytes = memoryOfMachine()): number {
  if (settingMb !== undefined) return settingMb * megabyte
  return Math.min(Math.max(machineBytes / 3, minMb * megabyte), maxMb * megabyte)
}
