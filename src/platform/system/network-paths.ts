// SPDX-License-Identifier: Apache-2.0
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { systemText } from './system-file.ts'

/**
 * The ways out of this machine now: an entry for each address that is not internal, and for each route. Entries serve only to be
 * compared with those of another moment. Reads no disk; what the system does not report is left out.
 */
export async function networkPaths(root = '/'): Promise<ReadonlySet<string>> {
  const routes4 = rows(await systemText(root, 'proc/net/route'))
    .slice(1)
    .map(([name, destination, gateway, , , , , mask]) => `route ${name} ${destination}/${mask} ${gateway}`)
  // Some of the other columns count uses, and would look like a change all the time.
  const routes6 = rows(await systemText(root, 'proc/net/ipv6_route'))
    .filter(fields => fields[9] !== 'lo')
    .map(fields => `route ${fields[9]} ${fields[0]}/${fields[1]} ${fields[4]}`)
  return new Set([...addresses(), ...routes4, ...routes6])
}

/** The addresses of this machine on all its networks now. */
export function ownAddresses(): ReadonlySet<string> {
  return new Set(interfaces().map(([, { address }]) => address))
}

function addresses(): string[] {
  return interfaces()
    .filter(([, { internal }]) => !internal)
    .map(([name, { address }]) => `address ${name} ${address}`)
}

function interfaces(): (readonly [name: string, NetworkInterfaceInfo])[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, all = []]) => all.map(one => [name, one] as const))
  } catch {
    // Some containers do not permit this.
    return []
  }
}

function rows(text: string | undefined): string[][] {
  return (text ?? '')
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.trim().split(/\s+/))
}
