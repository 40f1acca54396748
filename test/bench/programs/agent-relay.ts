// SPDX-License-Identifier: Apache-2.0
/** The agent's relay: `agent-relay URL CA_FILE PORT`. Prints `connected` when the session is open. */
import { systemClock } from '../../../src/base/clock.ts'
import { Log } from '../../../src/base/log.ts'
import { SocketOpener } from '../../../src/connection/socket/socket-opener.ts'
import { RelaySessions } from '../../../src/manager/relay/relay-sessions.ts'

const [url = '', caBundleFile = '', port = ''] = process.argv.slice(2)
const clock = systemClock
const log = Log.create({ clock, level: 'warn', sink: record => console.error(record.message, record.fields) })
const sessions = new RelaySessions({
  settings: () => ({
    services: [{ name: 'Bench', port: Number(port) }],
    allow: [],
    limits: { maxSessions: 1, maxChannels: 16, idleTimeoutS: 1800, maxDurationS: 43_200 },
    allowPlain: false,
    relay: { cloudHost: new URL(url).hostname, ownAddresses: new Set() },
  }),
  opener: new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock, log }),
  clock,
  log,
  report: async () => {},
})
const request = { url, host: 'localhost', port: Number(port), reconnect: true }
await sessions.open(request, new AbortController().signal)
console.log('connected')
