// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

const platform = join(import.meta.dirname, '../../../src/platform/process')

/** Runs a TypeScript module in a process of its own. */
function start(source: string) {
  const args = ['--import', 'tsx', '--input-type=module', '-e', source]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
}

test('stop and reload signals reach their listeners, and a second one too', async t => {
  const child = start(`
    import { onSignals } from '${platform}/signals.ts'
    const alive = setInterval(() => {}, 1000)
    const undo = onSignals({
      stop: signal => { console.log(signal); if (signal === 'SIGQUIT') { undo(); clearInterval(alive) } },
      reload: () => console.log('reload'),
    })
    console.log('ready')`)
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  const signals = ['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGQUIT'] as const
  let next = 0
  child.stdout.on('data', (part: Buffer) => {
    output += part
    const signal = signals[next++]
    if (signal !== undefined) child.kill(signal)
  })
  const [code] = await once(child, 'close')
  assert.equal(output, 'ready\nreload\nSIGTERM\nSIGINT\nSIGQUIT\n')
  assert.equal(code, 0)
})
