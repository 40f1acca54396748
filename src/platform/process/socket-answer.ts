// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net'
import { basename, dirname } from 'node:path'
import { errnoOf } from '../../base/errors.ts'
import { descriptorPath, hasDescriptorPaths, holdFolder } from '../held/descriptor.ts'

/** The longest address of a Unix socket on Linux, in bytes: 108 with the closing NUL. */
export const maxAddressBytes = 107

/** `dead`: a process that ended has left the socket, or it does not exist. `unknown`: this user may not see that. */
export type SocketState = 'alive' | 'dead' | 'unknown'

/** Whether a process listens on a Unix socket: the kernel answers, also for a process that is stalled. */
export function socketState(address: string): Promise<SocketState> {
  return new Promise(resolve => {
    const socket = connect({ path: address })
    const settle = (state: SocketState) => {
      socket.destroy()
      resolve(state)
    }
    socket.once('connect', () => settle('alive'))
    socket.on('error', error => settle(stateBehind(errnoOf(error))))
  })
}

function stateBehind(errno: string | undefined): SocketState {
  // The queue of waiting connections is full.
  if (errno === 'EAGAIN') return 'alive'
  return errno === 'ECONNREFUSED' || errno === 'ENOENT' ? 'dead' : 'unknown'
}

/** Whether a process listens on the socket file `path`. */
export async function isAnswered(path: string): Promise<boolean> {
  return (await nearAddress(path, socketState).catch(() => 'unknown')) === 'alive'
}

/** Runs `work` with an address of the socket file `path` that is short enough for a Unix socket, however long the path is. */
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
