// SPDX-License-Identifier: Apache-2.0
/** A file system that refuses to sync a folder, as some network and FUSE file systems do, for the process that imports this. */
import fs from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'

const { fsyncSync, fstatSync } = fs
let code = 'EINVAL'
let refusals = 0

/** How many times a folder was to be synced, and was not. */
export function refusedSyncs(): number {
  return refusals
}

/** Does `work` while the sync of a folder fails with another error. */
export async function refusingWith(errno: string, work: () => Promise<void>): Promise<void> {
  code = errno
  try {
    await work()
  } finally {
    code = 'EINVAL'
  }
}

function refusal(): Error {
  refusals++
  return Object.assign(new Error(`${code}: fsync`), { code, syscall: 'fsync' })
}

const handle = await open(tmpdir())
const prototype: FileHandle = Object.getPrototypeOf(handle)
await handle.close()
const { sync } = prototype
prototype.sync = async function (this: FileHandle) {
  if ((await this.stat()).isDirectory()) throw refusal()
  await Reflect.apply(sync, this, [])
}
fs.fsyncSync = descriptor => {
  if (fstatSync(descriptor).isDirectory()) throw refusal()
  fsyncSync(descriptor)
}
syncBuiltinESMExports()
