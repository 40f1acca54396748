import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import { descriptorPath, hasDescriptorPaths, holdFolder } from '../files/held/descriptor.ts'

/** The longest address of a Unix socket on Linux, in bytes: 108 with the closing NUL. */
export const maxAddressBytes = 107

/** `dead`: it is left from a process that ended, or does not exist. `unknown`: this user may not see that. */
export type SocketState = 'alive' | 'dead' | 'unknown'

/** Whether somebody listens on a Unix socket: the kernel answers, also for a process that stands still. */
export function socketState(address: string): Promise<SocketState> {
  return new Promise(resolve => {
    const socket = connect({ path: address })
    const tell = (state: SocketState) => {
      socket.destroy()
      resolve(state)
    }
    socket.once('connect', () => tell('alive'))
    socket.on('error', error => tell(stateBehind(errnoOf(error))))
  })
}

function stateBehind(errno: string | undefined): SocketState {
  // So many are waiting there that no further one may.
  if (errno === 'EAGAIN') return 'alive'
  return errno === 'ECONNREFUSED' || errno === 'ENOENT' ? 'dead' : 'unknown'
}

/** Whether somebody listens on the socket file `path`, whatever else is known of that process. */
export async function isAnswered(path: string): Promise<boolean> {
  return (await nearAddress(path, socketState).catch(() => 'unknown')) === 'alive'
}

/** Does something with an address of the socket file `path` that is short enough for a Unix socket, whatever its path is. */
export async function nearAddress<T>(path: string, work: (address: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= maxAddressBytes) return await work(path)
  if (!(await hasDescriptorPaths())) throw Object.assign(new Error('the path is too long'), { code: 'ENAMETOOLONG' })
  const folder = await holdFolder(dirname(path), { followLinks: true })
  try {
    return await work(`${descriptorPath(folder)}/${basename(path)}`)
  } finally {
    await folder.close()
  }
}
