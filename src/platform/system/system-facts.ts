// SPDX-License-Identifier: Apache-2.0
import { hostname, machine, release } from 'node:os'
import { readMacAddress } from './mac-address.ts'
import { readOsRelease } from './os-release.ts'
import { systemText } from './system-file.ts'

/** The facts about the machine that the device manager publishes at its start [TR50 4.5]. */
export interface SystemFacts {
  readonly osName: string
  readonly osVersion: string
  /** As `uname -m` prints it: x86_64, aarch64, armv7l. */
  readonly architecture: string
  readonly hostname: string
  /** Release of the kernel, as `uname -r` prints it. */
  readonly kernel: string
  /** Lower case with colons; absent when the machine has no network card. */
  readonly macAddress?: string | undefined
}

/** Reads the facts from /etc, /proc and /sys, without running a program. `root` is another folder in tests. */
export async function readSystemFacts(root = '/'): Promise<SystemFacts> {
  const { name, version } = await readOsRelease(root)
  const macAddress = await readMacAddress(root)
  return {
    osName: name,
    osVersion: version,
    architecture: machine(),
    hostname: hostname(),
    kernel: release(),
    macAddress,
  }
}

/**
 * A text that changes with every boot of the machine and only then, so that a reboot differs from a restart of the agent.
 * Undefined where the kernel does not have it (no /proc).
 */
export async function readBootId(root = '/'): Promise<string | undefined> {
  if (root !== '/') return await bootIdOf(root)
  bootId ??= await bootIdOf(root)
  return bootId
}

/** A process lives in one boot. */
let bootId: string | undefined

async function bootIdOf(root: string): Promise<string | undefined> {
  const id = await systemText(root, 'proc/sys/kernel/random/boot_id')
  if (id) return id
  // Kernels without it still report the second of their start.
  const started = /^btime (\d+)$/m.exec((await systemText(root, 'proc/stat')) ?? '')?.[1]
  return started === undefined ? undefined : `btime-${started}`
}
