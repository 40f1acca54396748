// SPDX-License-Identifier: Apache-2.0
/**
 * `herd PORT TOKEN FIRST COUNT [CA]`: COUNT links of the agent in one process, over TLS when a CA file is named; prints the wall
 * clock each time one of them comes up.
 */
import { systemClock } from '../../../src/base/clock.ts'
import { Log } from '../../../src/base/log.ts'
import { Link } from '../../../src/connection/link.ts'
import { SocketOpener } from '../../../src/connection/socket/socket-opener.ts'

const [port, token = '', first, count, caBundleFile] = process.argv.slice(2)
const clock = systemClock
const log = Log.create({ clock, level: 'error', sink: () => {} })
const trust = { validateCloudCert: true, ...(caBundleFile === undefined ? {} : { caBundleFile }) }
const opener = new SocketOpener({ trust, clock, log })
const transport = caBundleFile === undefined ? 'mqtt' : 'mqtts'
const endpoint = { host: '127.0.0.1', port: Number(port), transport } as const
for (let number = 0; number < Number(count); number++) {
  const link = new Link({ endpoint, thingKey: `herd-${Number(first) + number}`, token, opener, clock, log })
  link.on('up', () => void process.stdout.write(`${clock.now()}\n`))
  // A herd that starts as one would be another measurement.
  clock.timer((number * 3000) / Number(count), () => link.start())
}
