// SPDX-License-Identifier: Apache-2.0
/**
 * `soak PORT FOLDER RECONNECTS SAMPLES`: publishes SAMPLES over RECONNECTS sessions that break, without the waits between
 * them, and prints as JSON what the process holds after each tenth of it. Runs with --expose-gc.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { systemClock } from '../../../src/base/clock.ts'
import { Log } from '../../../src/base/log.ts'
import { formatTimestamp } from '../../../src/base/timestamp.ts'
import { openOutbox } from '../../../src/client/open-outbox.ts'
import { Link } from '../../../src/connection/link.ts'
import { SocketOpener } from '../../../src/connection/socket/socket-opener.ts'
import { storeFolder } from '../../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../../src/platform/store/write-budget.ts'
import { networkPaths } from '../../../src/platform/system/network-paths.ts'
import { Requester } from '../../../src/protocol/requester.ts'

const [port, folder = '.', reconnects, samples] = process.argv.slice(2)
const points = 10
const clock = systemClock
const log = Log.create({ clock, level: 'error', sink: record => void process.stderr.write(`${record.message}\n`) })
const opener = new SocketOpener({ trust: { validateCloudCert: true }, clock, log })
const endpoint = { host: '127.0.0.1', port: Number(port), transport: 'mqtt' } as const
const link = new Link({ endpoint, thingKey: 'soak', token: 'token', opener, clock, log, network: networkPaths })
const requester = new Requester({ link, clock, log, qos: 1 })
const outbox = await openOutbox({
  thingKey: 'soak',
  queue: { durability: 'spill', maxBytes: 16 * 1024 * 1024 },
  folder: storeFolder(folder, new WriteBudget()),
  link,
  requester,
  clock,
  log,
  bootId: 'boot',
})
let sessions = 0
let failures = 0
link.on('up', () => {
  sessions++
  failures = 0
})
// A twin, as far as the link can see: its long waits are what a soak has no time for.
link.on('down', () => setImmediate(() => link.tryNow('soak')))
link.on('failed', error => {
  // The test is gone, and its far end with it: what waits for nothing would take a whole processor for ever.
  if (++failures > 100) {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
  setImmediate(() => link.tryNow('soak'))
})
link.start()

const measured: object[] = []
let published = 0
for (let point = 1; point <= points; point++) {
  const sessionsDue = (Number(reconnects) * point) / points
  const samplesDue = (Number(samples) * point) / points
  while (sessions < sessionsDue || published < samplesDue) {
    // As many samples for each session as it takes to have both done at the same time.
    const share = Math.max(1, Math.round((samplesDue - published) / Math.max(1, sessionsDue - sessions)))
    const burst = await Promise.all(
      Array.from({ length: share }, () =>
        outbox.put('telemetry', { key: 'n', value: published++, ts: formatTimestamp(clock.now()) }),
      ),
    )
    await burst.at(-1)?.delivered()
  }
  await outbox.flush({ timeoutMs: 60_000 })
  measured.push(measure())
}
await outbox.close()
await link.close()
process.stdout.write(JSON.stringify({ measured, sessions, published, left: process.getActiveResourcesInfo() }))
process.exit(0)

function measure(): object {
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const anonymous = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return {
    heapBytes: heapUsed + external,
    anonymousBytes: Number(anonymous) * 1024,
    resources: process.getActiveResourcesInfo().length,
    timers: process.getActiveResourcesInfo().filter(name => name === 'Timeout').length,
    descriptors: readdirSync('/proc/self/fd').length,
  }
}
