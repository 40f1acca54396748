// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { socketPlace } from '../../../src/platform/process/socket-place.ts'
import { needsRoot } from '../../helpers/as-root.ts'
import { asAttacker, attackersFolder } from '../../helpers/attacker.ts'
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

test('a file system that holds no sockets, or keeps no modes, is named as such, and nothing is left on it', async t => {
  const folder = tempDir(t)
  const place = socketPlace(join(folder, 'device-cloud.sock'))
  const refused = (error: Record<string, unknown>) => {
    assert.equal(error.code, 'NOT_SUPPORTED')
    assert.match(`${error.message}`, /device-cloud\.sock: its file system holds no sockets/)
    assert.match(`${error.remedy}`, /Give runtime_dir a folder/)
    return true
  }
  const eperm = () => Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' }))
  await assert.rejects(place.claim(eperm), refused)
  assert.deepEqual(readdirSync(folder), [])

  const { mkdtemp } = fs
  const open = async (prefix: string) => {
    const made = await mkdtemp(prefix)
    chmodSync(made, 0o755)
    return made
  }
  t.mock.method(fs, 'mkdtemp', open)
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  await assert.rejects(
    place.claim(() => Promise.resolve()),
    refused,
  )
  assert.deepEqual(readdirSync(folder), [])
})
