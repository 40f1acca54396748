// SPDX-License-Identifier: Apache-2.0
/** The library and files: `agent-files CONFIG_DIR APP_ID up|down NAME PATH`. Prints seconds and how much the memory grew at most. */
import { Client } from '../../../src/index.ts'
import { anonymousMegabytes } from '../measure.ts'

const [configDir = '.', appId = 'bench', direction, name = '', path = ''] = process.argv.slice(2)
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} }
const client = new Client(appId, { configDir, logger: quiet })
await client.connect()
const beforeMb = anonymousMegabytes('self')
let maxMb = beforeMb
const onProgress = () => {
  maxMb = Math.max(maxMb, anonymousMegabytes('self'))
}
const startMs = performance.now()
if (direction === 'up') await client.files.upload(path, { name, onProgress })
else await client.files.download(name, path, { onProgress })
const seconds = (performance.now() - startMs) / 1000
console.log(JSON.stringify({ seconds, grownMb: maxMb - beforeMb }))
await client.disconnect()
