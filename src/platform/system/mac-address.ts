// SPDX-License-Identifier: Apache-2.0
import { systemNames, systemText } from './system-file.ts'

/**
 * The hardware address of the device, `02:42:ac:11:00:02`: that of the interface of the default route, else of the first real network card,
 * else of any interface that has one. Undefined when there is none.
 */
export async function readMacAddress(root: string): Promise<string | undefined> {
  const interfaces = await systemNames(root, 'sys/class/net')
  const routed = await defaultRouteInterface(root)
  const cards: string[] = []
  const others: string[] = []
  for (const name of interfaces) {
    // Only hardware has a device entry; bridges, tunnels and interfaces of containers come and go.
    const isCard = (await systemNames(root, `sys/class/net/${name}/device`)).length > 0
    ;(isCard ? cards : others).push(name)
  }
  const order = routed === undefined ? [...cards, ...others] : [routed, ...cards, ...others]
  for (const name of order) {
    const address = (await systemText(root, `sys/class/net/${name}/address`))?.toLowerCase()
    if (address !== undefined && /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(address) && address !== '00:00:00:00:00:00')
      return address
  }
  return undefined
}

/** The interface of the default route with the lowest metric, IPv4 before IPv6. */
async function defaultRouteInterface(root: string): Promise<string | undefined> {
  const routes4 = parseTable(await systemText(root, 'proc/net/route')).map(fields => ({
    name: fields[0],
    isDefault: fields[1] === '00000000' && fields[7] === '00000000',
    metric: Number.parseInt(fields[6] ?? '0', 10),
  }))
  const routes6 = parseTable(await systemText(root, 'proc/net/ipv6_route')).map(fields => ({
    name: fields[9],
    isDefault: /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00' && fields[9] !== 'lo',
    metric: Number.parseInt(fields[5] ?? '0', 16),
  }))
  for (const routes of [routes4, routes6]) {
    const best = routes.filter(route => route.isDefault).sort((one, other) => one.metric - other.metric)[0]
    // The name becomes part of a path.
    if (best?.name !== undefined && /^[\w.@:-]+$/.test(best.name) && !best.name.startsWith('.')) return best.name
  }
  return undefined
}

function parseTable(text: string | undefined): string[][] {
  return (text ?? '').split('\n').map(line => line.trim().split(/\s+/))
}
