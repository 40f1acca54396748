// SPDX-License-Identifier: Apache-2.0
/**
 * `queue-user CONFIG_DIR FROM THROUGH`: publishes the numbers FROM to THROUGH, says how many it has taken charge of, and
 * stays until it is killed.
 */
import { Client } from '../../../src/index.ts'

const [configDir = '.', from = '0', through = '0'] = process.argv.slice(2)
const quiet = { error: console.error, warn() {}, info() {}, debug() {} }
const client = new Client('app', { configDir, logger: quiet })
for (let number = Number(from); number <= Number(through); number++) await client.telemetry.publish('number', number)
process.stdout.write(`took ${Number(through) - Number(from) + 1}\n`)
setInterval(() => {}, 1e6)
