import { readNow } from '../files/read-now.ts'

/** Whose a file must be so that this process believes it: root's, or that of the user it runs as. */
export interface OwnIdentity {
  readonly userId: number
  readonly groupId: number
  /** The owner that is shown for files of users whom this user namespace does not know; undefined outside of one. */
  readonly unmappedId: number | undefined
}

const maxBytes = 64 * 1024
const everyId = 4_294_967_295

/** The effective ids of this process, and how the kernel shows it the ids of strangers. */
export async function ownIdentity(): Promise<OwnIdentity> {
  return {
    userId: process.geteuid?.() ?? -1,
    groupId: process.getegid?.() ?? -1,
    unmappedId: ofNamespace(),
  }
}

let known: { readonly unmappedId: number | undefined } | undefined

/** The user namespace of a process stays what it is. */
function ofNamespace(): number | undefined {
  known ??= { unmappedId: unmappedId(textOf('/proc/self/uid_map'), textOf('/proc/sys/kernel/overflowuid')) }
  return known.unmappedId
}

/**
 * The owner that is shown for files whose owner has no id here. In a namespace that knows every id, the id of nobody is a
 * user like any other.
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

/** Without /proc there is nothing to know. */
function textOf(path: string): string {
  try {
    return readNow(path, maxBytes)?.toString() ?? ''
  } catch {
    return ''
  }
}
