// SPDX-License-Identifier: Apache-2.0
/** A file system that has neither hard links nor sockets, as FAT, for the process that imports this. */
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { Server } from 'node:net'

const refused = () => Object.assign(new Error('operation not permitted'), { code: 'EPERM' })
const { listen } = Server.prototype

fs.link = () => Promise.reject(refused())
syncBuiltinESMExports()
Server.prototype.listen = function (this: Server, ...words: unknown[]) {
  const [first] = words
  const path = typeof first === 'string' ? first : (first as { path?: string } | undefined)?.path
  // One without a file is no matter of the file system.
  if (path === undefined || path.startsWith('\0')) return Reflect.apply(listen, this, words)
  process.nextTick(() => this.emit('error', refused()))
  return this
} as typeof listen
