import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { socketPlace } from '../../../src/platform/socket-place.ts'
import { asAttacker, attackersFolder, needsRoot } from '../../helpers/attacker.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const listenOn = (server: Server, address: string) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, resolve)
  })

test(
  'whoever owns the runtime folder leads neither the mode nor the name of the socket to something else',
  needsRoot,
  async t => {
    const root = tempDir(t)
    const runtime = attackersFolder(root, 'runtime')
    const victim = join(root, 'passwd')
    writeFileSync(victim, '', { mode: 0o644 })
    const server = createServer()
    t.after(() => void server.close())
    const place = socketPlace(join(runtime, 'device-cloud.sock'))
    const claimed = place.claim(async address => {
      await listenOn(server, address)
      const [made = ''] = readdirSync(runtime)
      asAttacker(`cd ${runtime}`, `mv ${made} away`, `mkdir ${made}`, `ln -s ${victim} ${made}/s`)
    })
    await claimed.catch(() => {})
    assert.equal(statSync(victim).mode & 0o777, 0o644)
    assert.equal(statSync(join(runtime, 'device-cloud.sock')).isSocket(), true, 'and it is the one that was made')
  },
)
