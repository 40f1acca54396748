// SPDX-License-Identifier: Apache-2.0
/**
 * `publisher CONFIG_DIR KEY [BURST]`: publishes 0, 1, 2, … under KEY, BURST of them (default 5) a millisecond, and prints each number
 * when the agent has taken charge of it.
 * Never ends by itself: it is there to be killed.
 */
import { Client } from '../../../src/index.ts'

const [configDir = '.', key = 'chaos', burst = '5'] = process.argv.slice(2)
const quiet = { error: console.error, warn() {}, info() {}, debug() {} }
const client = new Client('chaos', { configDir, logger: quiet })
client.connect().catch(() => {})
for (let number = 0; ; number++) {
  await client.telemetry.publish(key, number)
  process.stdout.write(`${number}\n`)
  if ((number + 1) % Number(burst) === 0) await new Promise(resolve => setTimeout(resolve, 1))
}
