// SPDX-License-Identifier: Apache-2.0
/** The library as a device: `agent-device CONFIG_DIR APP_ID`. Answers `work` and `ping`; prints `connected` when it is. */
import { Client, Status } from '../../../src/index.ts'

const [configDir = '.', appId = 'bench'] = process.argv.slice(2)
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} }
const client = new Client(appId, { configDir, logger: quiet })
const acknowledge = () => ({ status: Status.Success, params: { response: 'acknowledged' } })
client.actions.register('work', acknowledge)
// As the device manager has it.
client.actions.register('ping', acknowledge, { repeatable: true })
client.on('connected', () => console.log('connected'))
await client.connect()
