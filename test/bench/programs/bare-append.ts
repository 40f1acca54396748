// SPDX-License-Identifier: Apache-2.0
/** The floor for samples on flash: `bare-append PATH COUNT GROUP`: appends COUNT records of 100 bytes, with one fdatasync for each GROUP. */
import { open } from 'node:fs/promises'

const [path = '', count = '0', group = '1'] = process.argv.slice(2)
const records = Buffer.alloc(100 * Number(group), 'x')
const file = await open(path, 'a')
const startMs = performance.now()
for (let at = 0; at < Number(count); at += Number(group)) {
  await file.write(records)
  await file.datasync()
}
console.log(JSON.stringify({ perSecond: Number(count) / ((performance.now() - startMs) / 1000) }))
await file.close()
