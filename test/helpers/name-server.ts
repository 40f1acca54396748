// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram'
import type { TestContext } from 'node:test'

/** What a name server says about one name and type: addresses, an error, or nothing at all. */
export type NameAnswer = readonly string[] | 'no such name' | 'failed' | 'refused' | 'silence'

export interface NameServer {
  /** `127.0.0.1:PORT`. */
  readonly place: string
  /** What it was asked, in order: `A cloud.example.test`. */
  readonly asked: string[]
}

const types: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' }
const answerCodes: Readonly<Record<string, number>> = { 'no such name': 3, failed: 2, refused: 5 }
const answerTtlS = 60

/** A name server on loopback [RFC 1035]. It is asked for `A` and `AAAA`. */
export async function startNameServer(
  t: TestContext,
  answer: (type: 'A' | 'AAAA', name: string) => NameAnswer,
): Promise<NameServer> {
  const server = createSocket('udp4')
  t.after(() => server.close())
  const asked: string[] = []
  server.on('message', (question, { port, address }) => {
    const { name, end } = nameAt(question, 12)
    const number = question.readUInt16BE(end)
    const type = types[number]
    if (type === undefined) return
    asked.push(`${type} ${name}`)
    const said = answer(type, name)
    if (said === 'silence') return
    const records = typeof said === 'string' ? [] : said.map(one => record(number, one))
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180 | (typeof said === 'string' ? (answerCodes[said] ?? 0) : 0), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    server.send(Buffer.concat([header, question.subarray(12, end + 4), ...records]), port, address)
  })
  await new Promise<void>(resolve => server.bind(0, '127.0.0.1', resolve))
  return { place: `127.0.0.1:${server.address().port}`, asked }
}

function nameAt(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length).toLowerCase())
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

/** A resource record for the name of the question. */
function record(type: number, address: string): Buffer {
  const data = Buffer.from(
    address.includes(':')
      ? address.split(':').flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
      : address.split('.').map(Number),
  )
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(answerTtlS, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
