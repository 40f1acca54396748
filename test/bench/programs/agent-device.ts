/** The library as a device: `agent-device CONFIG_DIR APP_ID`. Answers `ping`; prints `connected` when it is. */
import { Client, Status } from '../../../src/index.ts'

const [configDir = '.', appId = 'bench'] = process.argv.slice(2)
const quiet = { error: console.error, warn: console.error, info() {}, debug() {} }
const client = new Client(appId, { configDir, logger: quiet })
client.actions.register('ping', () => ({ status: Status.Success, params: { response: 'acknowledged' } }))
client.on('connected', () => console.log('connected'))
await client.connect()
