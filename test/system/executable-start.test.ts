// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { bundleAgent } from '../../build/bundle/bundle.ts'
import { stripOf } from '../../build/node/machine.ts'
import { findProgram, runProgram } from '../../build/run-program.ts'
import { readTarget, targetNames, targetOfThisMachine } from '../../build/target.ts'
import { builtCommit } from '../../build/version/git.ts'
import { version } from '../../src/base/version.ts'
import { executable, executableOf, tinyAgent } from '../helpers/executable.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const native = targetOfThisMachine()

for (const name of targetNames) {
  test(`the ${name} executable starts with an empty environment and names its version, commit, target and Node`, async t => {
    const { program, args } = (await executableOf(t, name)) ?? {}
    if (program === undefined || args === undefined) return
    const { stdout, stderr } = await runProgram(program, [...args, '--version'], { env: {} })
    assert.equal(stdout.trim(), version)
    assert.equal(stderr, '')
    const facts = await runProgram(program, [...args, 'version', '--json'], { env: {} })
    const { commit, ...rest } = JSON.parse(facts.stdout)
    assert.deepEqual(rest, { version, target: `linux-${name}`, node: readTarget(name).node.version })
    // A developer may commit while the tests run: which one it is, the test of the bundle looks at.
    if ((await builtCommit()) === undefined) assert.equal(commit, null)
    else assert.match(commit, /^[0-9a-f]{40}(?:-dirty)?$/)
    assert.equal(facts.stderr, '')
  })

  test(`the ${name} executable survives being stripped as Buildroot strips`, async t => {
    if (name === native && findProgram('strip') === undefined)
      return t.skip('strip is missing; install the Debian package binutils')
    const built = await executableOf(t, name)
    if (built === undefined) return
    const stripped = join(tempDir(t), 'device-cloud')
    copyFileSync(built.path, stripped)
    await runProgram(stripOf(readTarget(name)), ['--remove-section=.comment', '--remove-section=.note', stripped])
    const words = [built.program, ...built.args, '--version'].map(word => (word === built.path ? stripped : word))
    const { stdout, stderr } = await runProgram(words[0] ?? '', words.slice(1), { env: {} })
    assert.equal(stdout.trim(), version)
    assert.equal(stderr, '')
  })

  test(`SIGUSR1 opens no inspector in the ${name} executable`, async t => {
    const built = await executableOf(t, name, { entry: tinyAgent })
    if (built === undefined) return
    assert.deepEqual(await inspectorAfterSignal(t, built.program, built.args), 'no inspector')
  })
}

test('the test of SIGUSR1 sees the inspector of a plain Node', async t => {
  const { code } = await bundleAgent(tinyAgent)
  const script = join(tempDir(t), 'plain.cjs')
  // Without the statement by which the bundle takes the signal where no flag of Node does.
  writeFileSync(
    script,
    Buffer.from(code)
      .toString()
      .replace(/^"use strict";process\.execArgv[^;]*;/m, '"use strict";'),
  )
  const answer = await inspectorAfterSignal(t, process.execPath, ['--inspect-port=0', script])
  assert.match(answer, /^ws:/)
})

/** Sends SIGUSR1, then asks a running tiny agent a few times for the address of its inspector. */
async function inspectorAfterSignal(t: TestContext, program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { env: {}, stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const nextLine = async () => String((await once(lines, 'line'))[0])
  assert.equal(await nextLine(), 'ready')
  child.kill('SIGUSR1')
  let answer = ''
  // Each round trip is a turn of the event loop: the inspector of a plain Node is open after the first few.
  for (let round = 0; round < 50 && !answer.startsWith('ws:'); round++) answer = await ask(child, nextLine)
  return answer
}

async function ask(child: ChildProcessWithoutNullStreams, nextLine: () => Promise<string>): Promise<string> {
  const answer = nextLine()
  child.stdin.write('?\n')
  return await answer
}

for (const name of ['x64', 'arm64'] as const)
  test(`NODE_OPTIONS injects nothing into the ${name} executable`, async t => {
    const built = await executableOf(t, name)
    if (built === undefined) return
    const intruder = join(tempDir(t), 'intruder.cjs')
    writeFileSync(intruder, 'console.log("injected")')
    const env = { NODE_OPTIONS: `--require=${intruder}` }
    const { stdout } = await runProgram(built.program, [...built.args, '--version'], { env })
    assert.equal(stdout.trim(), version)
  })

test('the armv7 executable never asks for io_uring, which would take all of one processor when idle', async t => {
  const built = await executableOf(t, 'armv7')
  if (built === undefined) return
  const [program, ...args] = [built.program, '-strace', ...built.args, '--version']
  const { stderr } = await runProgram(program, args, { env: {} })
  assert.match(stderr, /epoll_create1/)
  assert.doesNotMatch(stderr, /io_uring_setup|syscall 425/)
})

test('the x64 executable starts where the kernel takes the program header table from its place in the file', async t => {
  if (native !== 'x64') return t.skip('needs an x64 machine')
  // qemu-user 7.2 computes the table's address as old kernels do.
  const emulator = readTarget('x64').emulator
  if (findProgram(emulator.program) === undefined)
    return t.skip(`${emulator.program} is missing; install the Debian package ${emulator.debianPackage}`)
  const { stdout } = await runProgram(emulator.program, [await executable(t), '--version'], { env: {} })
  assert.equal(stdout.trim(), version)
})

test('an executable made with postject starts', async t => {
  const path = await executable(t, { entry: tinyAgent, injector: 'postject' })
  const { stdout } = await runProgram(path, ['--facts'], { env: {} })
  assert.match(stdout, /"node":"v\d+/)
})
