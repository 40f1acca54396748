// SPDX-License-Identifier: Apache-2.0
/** The short run as root is ended at every call that changes the disk, and everything that must hold still holds. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Status } from '../../src/protocol/status.ts'
import { needsRoot } from '../helpers/as-root.ts'
import { bundledProgram } from '../helpers/bundled-program.ts'
import { RootScene } from '../helpers/root-scene.ts'

/** Calls behind which the disk is another one. */
const calls = ['fsync', 'fdatasync', 'rename', 'unlink', 'rmdir', 'link', 'mkdir']

interface Point {
  readonly call: string
  readonly nth: number
}

interface Fault {
  readonly script: string
  readonly scene: RootScene
}

/** Runs it until it does `call` for the `nth` time; whether it was killed. */
function runUntil({ script, scene }: Fault, { call, nth }: Point): boolean {
  const words = [script, scene.configPath, scene.folder]
  const inject = [
    '-f',
    '-qqq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${nth}`,
  ]
  // One thread does all that changes the disk, so that the count means the same each time.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' }
  const { signal, status } = spawnSync('strace', [...inject, process.execPath, ...words], { env })
  return signal === 'SIGKILL' || status === 137
}

/** Runs it as often as the loop would, until there is nothing left to do. */
function runToEnd({ script, scene }: Fault): void {
  const isLeft = () => existsSync(scene.requestPath) || existsSync(join(scene.folder, 'root/results/pending.json'))
  for (let runs = 0; isLeft(); runs++) {
    assert.ok(runs < 5, 'it comes to an end')
    const { status, stderr } = spawnSync(process.execPath, [script, scene.configPath, scene.folder], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  }
}

async function eachPoint(t: TestContext, one: (fault: Fault, point: Point) => Promise<boolean>): Promise<void> {
  if (spawnSync('strace', ['-V']).status !== 0) return t.skip('strace is missing; install the Debian package strace')
  const script = await bundledProgram(t, 'chaos/programs/root-step.ts')
  let points = 0
  for (const call of calls)
    for (let nth = 1; await one({ script, scene: RootScene.make(t) }, { call, nth }); nth++) points++
  assert.ok(points > 10, `${points} points`)
  t.diagnostic(`${points} points`)
}

test('a reboot is ordered once at most, wherever the run is ended', needsRoot, t =>
  eachPoint(t, async (fault, point) => {
    const { scene } = fault
    await scene.askForPower('1')
    const killed = runUntil(fault, point)
    runToEnd(fault)
    const orders = scene.lines('down')
    assert.ok(orders.length <= 1, orders.join())
    if (!killed) assert.deepEqual(orders, ['reboot 0'])
    // A process that finds no result knows that nothing was ordered.
    if ((await scene.result('1')) === undefined) assert.deepEqual(orders, [])
    return killed
  }),
)

for (const [what, all] of [
  ['crash', false],
  ['power cut', true],
] as const)
  test(`a package is installed once at most, and its result is there, after a ${what} anywhere`, needsRoot, t =>
    eachPoint(t, async (fault, point) => {
      const { scene } = fault
      const group = join(scene.folder, 'group')
      const script = `echo $PPID >${group}; echo install >>${scene.folder}/effect; sleep 0.1`
      scene.ask(await scene.package('1', { install: script, error_action: `echo undo >>${scene.folder}/effect` }))
      const killed = runUntil(fault, point)
      if (all && existsSync(group)) end(Number(readFileSync(group, 'utf8')))
      runToEnd(fault)
      const result = await scene.result('1')
      const effect = scene.lines('effect').join()
      if (result?.status === Status.Success) assert.equal(effect, 'install')
      else assert.match(`${result?.text}: ${effect}`, /not run again: (?:install,)?undo$/)
      if (!killed) assert.equal(result?.status, Status.Success)
      return killed
    }),
  )

function end(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

test('of two runs at once one does the step, and the other leaves it alone', needsRoot, async t => {
  const scene = RootScene.make(t)
  const script = await bundledProgram(t, 'chaos/programs/root-step.ts')
  const install = `until [ -e ${scene.folder}/go ]; do sleep 0.05; done; echo install >>${scene.folder}/effect`
  scene.ask(await scene.package('1', { install, error_action: 'true' }))
  const ends = [0, 1].map(() => {
    const child = spawn(process.execPath, [script, scene.configPath, scene.folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', part => {
      said += String(part)
    })
    return new Promise<string>(resolve => child.once('close', code => resolve(`${code} ${said}`)))
  })
  assert.match(await Promise.race(ends), /^1 .*holds .*step\.lock/s)
  spawnSync('touch', [join(scene.folder, 'go')])
  assert.match((await Promise.all(ends)).toSorted()[0] ?? '', /^0 /)
  assert.deepEqual(scene.lines('effect'), ['install'])
})
