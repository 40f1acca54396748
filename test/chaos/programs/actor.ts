// SPDX-License-Identifier: Apache-2.0
/**
 * `actor CONFIG_DIR EFFECT_FILE`: an application whose actions leave a line with the id of their call in EFFECT_FILE.
 * Says a word when it has begun to connect. Never ends by itself: it is there to be killed.
 */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { Client } from '../../../src/index.ts'

const [configDir = '.', effectFile = 'effects'] = process.argv.slice(2)
const quiet = { error: console.error, warn() {}, info() {}, debug() {} }
const client = new Client('chaos', { configDir, logger: quiet })
const file = openSync(effectFile, 'a')
process.on('exit', () => closeSync(file))
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

/** What must never be done twice. */
function leaveEffect(id: string): void {
  writeSync(file, `${id}\n`)
  fsyncSync(file)
}

client.actions.register('at_once', ({ id }) => {
  leaveEffect(id)
  return { params: { id } }
})
client.actions.register(
  'slowly',
  async ({ id }, { progress }) => {
    await pause(Math.random() * 60)
    await progress('half')
    leaveEffect(id)
    await pause(Math.random() * 60)
    return { params: { id } }
  },
  { concurrency: 2 },
)
client.actions.register('fails', ({ id }) => {
  leaveEffect(id)
  throw new Error('as it should')
})
client.actions.register('over_the_end', async ({ id }, { handOver, acknowledge }) => {
  await handOver({ params: { id } })
  leaveEffect(id)
  if (Math.random() < 0.5) await acknowledge({ params: { id } })
})
client.connect().catch(() => {})
process.stdout.write('begun\n')
