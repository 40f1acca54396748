// SPDX-License-Identifier: Apache-2.0
/**
 * `clocked CONFIG_DIR`: publishes one sample at once, connects, and prints a line of JSON for each thing that happens. Runs under
 * a wall clock that the test sets. Ends when its input ends.
 */
import { Client } from '../../../src/index.ts'

const [configDir = '.'] = process.argv.slice(2)
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)
const quiet = { error() {}, warn() {}, info() {}, debug() {} }
const client = new Client('clocked', { configDir, logger: quiet })
client.on('error', error => say({ failed: error.code, says: error.message }))
client.on('connected', () => say({ connected: true }))
const receipt = await client.telemetry.publish('early', 1)
say({ published: true })
client.connect().catch(() => {})
process.stdin.resume().on('end', () => process.exit(0))
await receipt.delivered()
say({ delivered: true })
