// SPDX-License-Identifier: Apache-2.0
/** `open-tls PORT CA_FILE`: opens one connection as the agent does, and prints `open` or the code of the failure. */
import { systemClock } from '../../../src/base/clock.ts'
import { asAgentError } from '../../../src/base/errors.ts'
import { Log } from '../../../src/base/log.ts'
import { SocketOpener } from '../../../src/connection/socket/socket-opener.ts'

const [port = '', caBundleFile = ''] = process.argv.slice(2)
const log = Log.create({ clock: systemClock, level: 'error', sink: () => {} })
const opener = new SocketOpener({ trust: { validateCloudCert: true, caBundleFile }, clock: systemClock, log })
const said = await opener.open({ host: 'localhost', port: Number(port), tls: true }, { timeoutMs: 10_000 }).then(
  socket => {
    socket.destroy()
    return 'open'
  },
  error => asAgentError(error).code,
)
console.log(said)
