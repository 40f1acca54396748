// SPDX-License-Identifier: Apache-2.0
import { readNow } from '../files/read-now.ts'

/** The users whose files this process trusts: root, and the user it runs as. */
export interface OwnIdentity {
  readonly userId: number
  readonly groupId: number
  /** The owner that is shown for files of users outside this user namespace; undefined where there are none outside. */
  readonly unmappedId: number | undefined
}

const maxBytes = 64 * 1024
const everyId = 4_294_967_295

/** The effective ids of this process, and the id by which the kernel shows it users outside its namespace. */
export async function ownIdentity(): Promise<OwnIdentity> {
  return {
    userId: process.geteuid?.() ?? -1,
    groupId: process.getegid?.() ?? -1,
    unmappedId: ofNamespace(),
  }
}

let known: { readonly unmappedId: number | undefined } | undefined

/** The user namespace of a process does not change. */
function ofNamespace(): number | undefined {
  known ??= { unmappedId: unmappedId(textOf('/proc/self/uid_map'), textOf('/proc/sys/kernel/overflowuid')) }
  return known.unmappedId
}

/**
 * The owner that is shown for files whose owner has no id here. In a namespace that knows every id, the id of the user nobody
 * is an id like any other.
 *
 * @param map content of `/proc/self/uid_map`: lines of first id inside, first id outside, count
 * @param overflow content of `/proc/sys/kernel/overflowuid`
 */
export function unmappedId(map: string, overflow: string): number | undefined {
  const id = Number(overflow.trim() || '65534')
  const ranges = map.split('\n').flatMap(line => {
    const [first, , count] = line.trim().split(/\s+/).map(Number)
    return first === undefined || count === undefined ? [] : [{ first, count }]
  })
  const known = ranges.reduce((sum, { count }) => sum + count, 0)
  if (ranges.length === 0 || known >= everyId) return undefined
  return ranges.some(({ first, count }) => id >= first && id < first + count) ? undefined : id
}

/** The text is empty without /proc. */
function textOf(path: string): string {
  try {
    return readNow(path, maxBytes)?.toString() ?? ''
  } catch {
    return ''
  }
}
