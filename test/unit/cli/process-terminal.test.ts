// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

const cli = join(import.meta.dirname, '../../../src/cli')

/** Runs a few lines with a `terminal` in a process of their own; `out` and `err` are where its output goes. */
function start(t: TestContext, source: string, out: 'pipe' | number, err: 'pipe' | number): ChildProcess {
  const code = `import { processTerminal } from '${cli}/shell/process-terminal.ts'\nconst terminal = processTerminal()\n${source}`
  const args = ['--import', 'tsx', '--input-type=module', '-e', code]
  const child = spawn(process.execPath, args, { stdio: ['ignore', out, err] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

function fullDevice(t: TestContext): number {
  const file = openSync('/dev/full', 'w')
  t.after(() => closeSync(file))
  return file
}

async function endOf(child: ChildProcess): Promise<{ code: number; told: string }> {
  let told = ''
  child.stderr?.on('data', (part: Buffer) => {
    told += part
  })
  const [code] = await once(child, 'close')
  return { code, told }
}

test('a reader that closes its end neither ends the process nor makes it fail', async t => {
  const child = start(
    t,
    `terminal.out('ready')
    const timer = setInterval(() => terminal.out('x'.repeat(65536)), 1)
    process.stdout.once('error', () => setImmediate(async () => {
      clearInterval(timer)
      terminal.err('survived')
      process.exit(await terminal.finish(0))
    }))`,
    'pipe',
    'pipe',
  )
  child.stdout?.once('data', () => child.stdout?.destroy())
  assert.deepEqual(await endOf(child), { code: 0, told: 'survived' })
})

test('a result that could not be written is a failure, which says why', async t => {
  const lines = "terminal.out('result\\n')\nprocess.exit(await terminal.finish(0))"
  const { code, told } = await endOf(start(t, lines, fullDevice(t), 'pipe'))
  assert.equal(code, 1)
  assert.match(told, /^device-cloud: The output could not be written: ENOSPC.*\n$/)
})

test('a failure keeps its exit code when its message cannot be written', async t => {
  const full = fullDevice(t)
  const lines = "terminal.out('half\\n')\nterminal.err('failed\\n')\nprocess.exit(await terminal.finish(3))"
  assert.equal((await endOf(start(t, lines, full, full))).code, 3)
})

test('no text from outside controls the terminal', async t => {
  const text = JSON.stringify('\u001b]0;title\u0007\u001b[2J\u009b2J\ttab ü\n')
  const child = start(t, `for (const say of [terminal.out, terminal.err]) say(${text})`, 'pipe', 'pipe')
  let out = ''
  child.stdout?.on('data', (part: Buffer) => {
    out += part
  })
  const { told } = await endOf(child)
  assert.deepEqual([out, told], Array(2).fill('?]0;title??[2J?2J\ttab ü\n'))
})
