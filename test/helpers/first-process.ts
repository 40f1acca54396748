// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { EndingApplication } from './ending-application.ts'

const unshare = ['--pid', '--fork', '--mount-proc', '--kill-child=SIGKILL']

/**
 * Leaves five orphans, waits until all have ended, and reports how many stay unreaped. One that has just ended is a zombie for the
 * moment until process 1 runs, so under another process 1 it waits for that, up to ten seconds.
 */
const orphans = `
const { execFileSync } = require('node:child_process')
const { readdirSync, readFileSync } = require('node:fs')
const states = () => readdirSync('/proc').filter(name => /^[0-9]+$/.test(name)).flatMap(pid => {
  try { return [readFileSync('/proc/' + pid + '/stat', 'utf8').replace(/^.*[)] /s, '')[0] + readFileSync('/proc/' + pid + '/comm', 'utf8').trim()] } catch { return [] }
})
for (let n = 0; n < 5; n++) execFileSync('/bin/sh', ['-c', 'sleep 0.2 & exit 0'], { stdio: 'ignore' })
const isFirst = process.pid === 1
const giveUpMs = Date.now() + 10_000
const look = () => {
  const sleeps = states().filter(state => state.endsWith('sleep'))
  if (sleeps.some(state => !state.startsWith('Z'))) return setTimeout(look, 20)
  const zombies = sleeps.length
  if (zombies > 0 && !isFirst && Date.now() < giveUpMs) return setTimeout(look, 20)
  console.log(JSON.stringify({ isFirst, zombies }))
  console.log('ready')
  setInterval(() => {}, 1000)
}
look()`

/**
 * Shows `device-cloud run` as process 1: orphans are waited for, signals get through, and the exit code is that of the application.
 *
 * @param isReplaced whether this Node can give its place to a shell
 */
export async function asFirstProcess(t: TestContext, words: readonly string[], isReplaced: boolean): Promise<void> {
  if (spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status !== 0)
    return t.skip('namespaces need root')
  const app = new EndingApplication(t)
  const run = (name: string, source: string, ...more: string[]) =>
    app.run('unshare', [...unshare, ...words, 'run', app.write(name, source), ...more])

  const killed = await run(
    'app.cjs',
    orphans.replace(`setInterval(() => {}, 1000)`, 'process.kill(1, "SIGTERM"); setInterval(() => {}, 1000)'),
  )
  const [seen = ''] = killed.out.split('\n')
  if (!isReplaced) {
    assert.match(killed.err, /warning: this is process 1, and this Node cannot .*docker run --init, tini/)
    assert.equal(killed.code, 143)
    return
  }
  assert.deepEqual(JSON.parse(seen), { isFirst: false, zombies: 0 })
  assert.deepEqual([killed.code, killed.err], [143, ''])

  const ended = await run('app.cjs', 'console.log(process.argv.slice(2).join()); process.exit(7)', 'a b', '$c')
  assert.deepEqual([ended.code, ended.out, ended.err], [7, 'a b,$c\n', ''])
}
