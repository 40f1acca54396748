// SPDX-License-Identifier: Apache-2.0
/**
 * In a network of its own, whose only name server hears every question and answers none: starts a program, ends it when it has
 * asked, and tells as JSON how long its end took. Words: the signal for the program, after how many questions, and the program.
 */

import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'

const [signalName = '', after = '', file = '', ...args] = process.argv.slice(2)
let questions = 0
let askedMs = 0
let said = ''
const server = createSocket('udp4')
server.on('message', () => {
  questions++
  if (questions === 1) askedMs = performance.now()
  if (questions === Number(after)) child.kill(signalName as NodeJS.Signals)
})
await new Promise<void>(resolve => server.bind(53, '127.0.0.1', resolve))
const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
for (const stream of [child.stdout, child.stderr]) stream.on('data', part => (said += part))
child.once('close', (code, signal) => {
  const endedMs = performance.now()
  const conf = readFileSync('/etc/resolv.conf', 'utf8')
  process.stdout.write(JSON.stringify({ conf, code, signal, questions, said, tookMs: endedMs - askedMs }))
  server.close()
})
