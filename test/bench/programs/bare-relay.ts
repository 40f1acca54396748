// SPDX-License-Identifier: Apache-2.0
/** The floor of a relay: a WebSocket piped to a TCP connection. `bare-relay URL CA_FILE PORT`; prints `connected`. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createWebSocketStream, WebSocket } from 'ws'

const [url = '', caFile = '', port = ''] = process.argv.slice(2)
const webSocket = new WebSocket(url, { ca: readFileSync(caFile), perMessageDeflate: false })
webSocket.once('open', () => {
  const stream = createWebSocketStream(webSocket)
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
  for (const one of [stream, socket]) one.on('error', () => process.exit(1))
  stream.pipe(socket).pipe(stream)
  console.log('connected')
})
