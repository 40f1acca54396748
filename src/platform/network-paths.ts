import { networkInterfaces } from 'node:os'
import { systemText } from './system-file.ts'

/**
 * What leads out of this machine now: an entry for each address that is not internal, and for each route. Entries are only
 * good for being compared with those of another moment. Reads no disk; what cannot be told is left out.
 */
export async function networkPaths(root = '/'): Promise<ReadonlySet<string>> {
  const routes4 = rows(await systemText(root, 'proc/net/route'))
    .slice(1)
    .map(([name, destination, gateway, , , , , mask]) => `route ${name} ${destination}/${mask} ${gateway}`)
  // Of the other columns some count uses, and would look like news all the time.
  const routes6 = rows(await systemText(root, 'proc/net/ipv6_route'))
    .filter(fields => fields[9] !== 'lo')
    .map(fields => `route ${fields[9]} ${fields[0]}/${fields[1]} ${fields[4]}`)
  return new Set([...addresses(), ...routes4, ...routes6])
}

function addresses(): string[] {
  try {
    return Object.entries(networkInterfaces()).flatMap(([name, all = []]) =>
      all.filter(one => !one.internal).map(one => `address ${name} ${one.address}`),
    )
  } catch {
    // Some containers forbid the question.
    return []
  }
}

function rows(text: string | undefined): string[][] {
  return (text ?? '')
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.trim().split(/\s+/))
}
