// SPDX-License-Identifier: Apache-2.0
/** A file of its own, because it confines its whole process. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { systemClock } from '../../src/base/clock.ts'
import { HttpsClient } from '../../src/connection/http/https.ts'
import { SocketOpener } from '../../src/connection/socket/socket-opener.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { memoryLog } from '../helpers/memory-log.ts'

const skip = spawnSync('taskset', ['-cp', String(process.pid)]).status === 0 ? false : 'needs taskset (util-linux)'
const rounds = 40
const blocks = 46

async function* content() {
  const block = Buffer.alloc(64 * 1024)
  for (let at = 0; at < blocks; at++) yield block
}

test('who refuses a body before its end, and closes, is mostly heard: also where both ends share one processor', {
  skip,
}, async t => {
  const cpu = /^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  // The cloud inherits it.
  execFileSync('taskset', ['-acp', cpu, String(process.pid)], { stdio: 'ignore' })
  const cloud = await startCloud(t)
  const { log } = memoryLog()
  const trust = { validateCloudCert: true, caBundleFile: cloud.ca }
  const https = new HttpsClient({
    opener: new SocketOpener({ trust, clock: systemClock, log }),
    clock: systemClock,
    log,
  })
  await cloud.fault('fileStatus', { status: 403 })
  let heard = 0
  for (let round = 0; round < rounds; round++) {
    const { fileId } = await cloud.ask('file.put', { global: true, fileName: 'x' })
    const place = { host: 'localhost', port: cloud.https, path: `/file/${fileId}` }
    const body = { stream: content(), bytes: blocks * 64 * 1024 }
    const limits = { connectTimeoutMs: 20_000, idleTimeoutMs: 20_000 }
    try {
      const answer = await https.request({ method: 'POST', ...place, body, ...limits })
      answer.body.destroy()
      assert.equal(answer.status, 403)
      heard++
    } catch (error) {
      // A block that went out just then: Linux would still give the answer, Node does not.
      assert.equal((error as { code?: string }).code, 'LINK_LOST')
    }
  }
  assert.ok(heard > 0.4 * rounds, `${heard} of ${rounds} answers were heard`)
  t.diagnostic(`${heard} of ${rounds} answers were heard`)
})
