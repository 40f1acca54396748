// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ResponseBody } from '../../../src/connection/http/response-body.ts'

const events = {
  onWait: () => {},
  onPiece: () => {},
  onBytes: () => {},
  explain: () => new Error('broken'),
  onEnd: () => {},
}

const late = () => new Promise(resolve => setTimeout(resolve, 50))

// Sizes around what a body holds itself, what Node holds behind it, and what stays in the socket.
for (const bytes of [1, 10_000, 65_536, 70_000, 130_000, 135_000, 195_000, 200_000, 210_000, 500_000])
  for (const wait of ['before', 'behind'] as const)
    test(`what came before a cut after ${bytes} bytes is read, also by who comes late ${wait} the first piece`, async t => {
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-length': 1_000_000 })
        response.write(Buffer.alloc(bytes), () => response.destroy())
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => server.close())
      const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      request.on('error', () => {})
      const body = new ResponseBody(response, response.socket, events)
      let read = 0
      // Long enough for the end to arrive meanwhile.
      if (wait === 'before') await late()
      await assert.rejects(async () => {
        for (let step = await body.next(); step.done !== true; step = await body.next()) {
          if (read === 0 && wait === 'behind') await late()
          read += step.value.length
        }
      }, /broken/)
      assert.equal(read, bytes)
    })
