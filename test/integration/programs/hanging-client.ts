// SPDX-License-Identifier: Apache-2.0
/** An application that connects, moves files while its look-ups hang, and ends. */

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { Client } from '../../../src/index.ts'

const [configDir = ''] = process.argv.slice(2)
const clients = Array.from({ length: 8 }, (_, index) => new Client(`app-${index}`, { configDir }))
for (const client of clients) client.on('error', () => {})
// Sent when enough look-ups hang.
const hanging = once(process, 'SIGUSR2')
const links = clients.map(client => client.connect({ timeoutMs: 300_000 }).catch(() => {}))
await hanging
await readFile(new URL(import.meta.url))
process.stdout.write('files move\n')
await Promise.all(clients.map(client => client.disconnect()))
await Promise.all(links)
process.stdout.write('disconnected\n')
