import { cpus, hostname, machine, networkInterfaces, release, type, version } from 'node:os'
import type { JsonObject } from '../../base/json.ts'

/** The runtime of this program: versions, options and the executable file. */
export function programFacts(): JsonObject {
  const { platform, arch, execPath, execArgv, versions } = process
  return { platform, arch, execPath, execArgv, versions: { ...versions } }
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
