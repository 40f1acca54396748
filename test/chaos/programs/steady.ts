// SPDX-License-Identifier: Apache-2.0
/**
 * `steady CONFIG_DIR EVERY_MS`: connects, says so, and from then on publishes a sample every EVERY_MS (0: nothing at all).
 * Ends when its input ends.
 */
import { Client } from '../../../src/index.ts'

const [configDir = '.', everyMs = '0'] = process.argv.slice(2)
const quiet = { error: console.error, warn() {}, info() {}, debug() {} }
const client = new Client('steady', { configDir, logger: quiet })
await client.connect()
await (await client.telemetry.publish('first', 1)).delivered()
process.stdout.write('connected\n')
let value = 0
if (everyMs !== '0') setInterval(() => void client.telemetry.publish('steady', value++), Number(everyMs))
process.stdin.resume().on('end', () => process.exit(0))
