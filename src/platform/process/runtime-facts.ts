// SPDX-License-Identifier: Apache-2.0
import { cpus, hostname, machine, networkInterfaces, release, type, version } from 'node:os'
import type { JsonObject } from '../../base/json.ts'
import { ownExecutable } from './own-executable.ts'

/** The runtime of this program: versions, options and the executable file. */
export function programFacts(): JsonObject {
  const { platform, arch, execPath, execArgv, versions } = process
  return { platform, arch, execPath, execArgv, versions: { ...versions } }
}

/** The target that the executable of this process was built for, as targets/ names it: `linux-armv7`. Undefined when Node runs a script. */
export function executableTarget(): string | undefined {
  if (ownExecutable() === undefined) return undefined
  const { platform, arch } = process
  return `${platform}-${arch === 'arm' ? 'armv7' : arch}`
}

/** The version of Node that runs this program, without the `v`. */
export function nodeVersion(): string {
  return process.versions.node
}

/** The machine as `uname` describes it. */
export function machineFacts(): JsonObject {
  const name = { sysname: type(), nodename: hostname(), release: release(), version: version(), machine: machine() }
  return { ...name, processors: cpus().length, processor: cpus()[0]?.model ?? '' }
}

/** The addresses of this machine, by network interface. */
export function networkAddresses(): JsonObject {
  return Object.fromEntries(
    Object.entries(networkInterfaces()).map(([name, addresses = []]) => [
      name,
      addresses.map(({ address, netmask, family, mac, internal }) => ({ address, netmask, family, mac, internal })),
    ]),
  )
}
