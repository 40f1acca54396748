// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type WebSocket, WebSocketServer } from 'ws'
import { makeAuthority, makeCertificate } from '../../helpers/test-certificates.ts'
import { median } from '../measure.ts'
import type { Scene } from '../scene.ts'
import type { Row } from '../table.ts'

const megabyte = 1024 * 1024
const bulkBytes = 192 * megabyte
const runs = 3
const rounds = 2000
const goalShare = 0.7
const goalRatio = 1.5
const index = 0

/** The cloud's end of a session, with or without the channel index before everything. */
interface End {
  readonly webSocket: WebSocket
  readonly hasIndex: boolean
}

interface Figures {
  readonly up: number[]
  readonly down: number[]
  readonly trip: number[]
}

/** Bytes through the relay of a device and a round trip through it, over TLS, beside a bare pipe of the same libraries. */
export async function relay(scene: Scene): Promise<Row[]> {
  const authority = makeAuthority()
  const { certificate: cert, key } = makeCertificate({ name: 'relay', issuer: authority, hosts: ['127.0.0.1'] })
  const ca = join(scene.folder, 'relay-ca.pem')
  writeFileSync(ca, authority.certificate)
  const web = createHttps({ cert, key })
  const webSockets = new WebSocketServer({ server: web, perMessageDeflate: false })
  const url = `wss://127.0.0.1:${await listen(web)}/ws-relay/1`
  const scripts = {
    agent: await scene.bundle('test/bench/programs/agent-relay.ts'),
    bare: await scene.bundle('test/bench/programs/bare-relay.ts'),
  }
  /** One session to `serve`, measured by `measure`. */
  const session = async (
    who: 'agent' | 'bare',
    serve: (socket: Socket) => void,
    measure: (end: End) => Promise<number>,
  ) => {
    let isProbe = who === 'agent'
    const server = createServer({ noDelay: true }, socket => {
      socket.on('error', () => {})
      // The agent first checks that the service listens.
      if (isProbe) isProbe = false
      else serve(socket)
    })
    const port = await listen(server)
    const came = once(webSockets, 'connection')
    const { child } = await scene.connect(scripts[who], [url, ca, String(port)])
    const [webSocket] = await came
    const end: End = { webSocket, hasIndex: who === 'agent' }
    try {
      return await measure(end)
    } finally {
      await scene.stop(child)
      webSocket.terminate()
      server.close()
    }
  }
  const figures = { agent: empty(), bare: empty() }
  // In turn, so that whatever else the machine does hits both alike.
  for (let run = 0; run < runs; run++) {
    for (const who of ['bare', 'agent'] as const) {
      figures[who].up.push(await session(who, source, upload))
      let taken: Promise<void> = Promise.resolve()
      const sink = (socket: Socket) => {
        taken = drained(socket)
      }
      figures[who].down.push(await session(who, sink, end => download(end, () => taken)))
      figures[who].trip.push(await session(who, socket => void socket.pipe(socket), roundTrips))
    }
  }
  web.close()
  return [
    speedRow('relay: device → operator, 192 MB', figures.agent.up, figures.bare.up),
    speedRow('relay: operator → device, 192 MB', figures.agent.down, figures.bare.down),
    tripRow(figures.agent.trip, figures.bare.trip),
  ]
}

function empty(): Figures {
  return { up: [], down: [], trip: [] }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function begin({ webSocket, hasIndex }: End): void {
  if (hasIndex) webSocket.send(`${String.fromCharCode(index)}CONNECTED-581273`)
}

/** Writes all of it as fast as it is taken. */
function source(socket: Socket): void {
  const chunk = Buffer.alloc(65_536, 1)
  let left = bulkBytes
  const pump = () => {
    while (left > 0) {
      left -= chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on('drain', pump)
  pump()
}

/** Resolves when the socket has got all of it. */
function drained(socket: Socket): Promise<void> {
  let got = 0
  return new Promise(resolve => {
    socket.on('data', part => {
      got += part.length
      if (got >= bulkBytes) resolve()
    })
  })
}

/** Megabytes per second from the service to the relay. */
async function upload(end: End): Promise<number> {
  const startMs = performance.now()
  let got = 0
  const all = new Promise<void>(resolve => {
    end.webSocket.on('message', (data: Buffer) => {
      got += data.length - (end.hasIndex ? 1 : 0)
      if (got >= bulkBytes) resolve()
    })
  })
  begin(end)
  await all
  return bulkBytes / megabyte / ((performance.now() - startMs) / 1000)
}

/** Megabytes per second from the relay to the service. */
async function download(end: End, taken: () => Promise<void>): Promise<number> {
  const { webSocket, hasIndex } = end
  begin(end)
  // The service must be connected before anybody can wait for it.
  await new Promise(resolve => setTimeout(resolve, 300))
  const startMs = performance.now()
  const message = Buffer.alloc(65_536 + (hasIndex ? 1 : 0), index)
  let left = bulkBytes
  const pump = () => {
    while (left > 0 && webSocket.bufferedAmount < 4 * megabyte) {
      left -= 65_536
      webSocket.send(message, pump)
    }
  }
  pump()
  await taken()
  return bulkBytes / megabyte / ((performance.now() - startMs) / 1000)
}

/** Median microseconds of a keystroke and its echo. */
async function roundTrips(end: End): Promise<number> {
  const { webSocket, hasIndex } = end
  begin(end)
  const key = Buffer.from(hasIndex ? [index, 120] : [120])
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now()
    const back = once(webSocket, 'message')
    webSocket.send(key)
    await back
    times.push((performance.now() - startMs) * 1000)
  }
  // The first ones warm up the compilers of both processes.
  return median(times.slice(rounds / 4))
}

function speedRow(what: string, ours: readonly number[], floor: readonly number[]): Row {
  const [agent, bare] = [median(ours), median(floor)]
  const ratio = agent / bare
  return {
    what,
    ours: `${agent.toFixed(0)} MB/s`,
    floor: `${bare.toFixed(0)} MB/s`,
    ratio,
    goal: `≥ ${goalShare} ×`,
    met: ratio >= goalShare,
  }
}

function tripRow(ours: readonly number[], floor: readonly number[]): Row {
  const [agent, bare] = [median(ours), median(floor)]
  const ratio = agent / bare
  return {
    what: 'relay: keystroke → echo, loopback TLS',
    ours: `${agent.toFixed(0)} µs`,
    floor: `${bare.toFixed(0)} µs`,
    ratio,
    goal: `≤ ${goalRatio} ×`,
    met: ratio <= goalRatio,
  }
}
