// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { takeProcessLock } from '../../../src/platform/process/process-lock.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

function startedAt(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

test('the lock says who has it, and goes when it is given back', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const lock = await takeProcessLock(path)
  assert.equal(readFileSync(path, 'utf8'), `${process.pid} ${startedAt(process.pid)} ${bootId}\n`)
  await lock.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('a process that runs keeps its lock', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const holder = spawn('sleep', ['60'])
  t.after(() => holder.kill('SIGKILL'))
  const text = `${holder.pid} ${startedAt(holder.pid ?? 0)} ${bootId}\n`
  writeFileSync(path, text)
  await assert.rejects(takeProcessLock(path), (error: { code?: string; details?: { pid?: number } }) => {
    return error.code === 'ALREADY_RUNNING' && error.details?.pid === holder.pid
  })
  assert.equal(readFileSync(path, 'utf8'), text)
  assert.deepEqual(readdirSync(folder), ['lock'])
})

test('a lock is taken over from a process that ended, from another with its pid, from another boot, and from nonsense', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const gone = spawnSync('true').pid
  const holder = spawn('sleep', ['60'])
  t.after(() => holder.kill('SIGKILL'))
  const start = startedAt(holder.pid ?? 0)
  const rows = [
    `${gone} 1 ${bootId}\n`,
    `${holder.pid} ${Number(start) + 1} ${bootId}\n`,
    `${holder.pid} ${start} another-boot\n`,
    `${process.pid} 1 another-boot\n`,
    '',
    'nonsense\n',
    '-1 1 x\n',
  ]
  for (const text of rows) {
    writeFileSync(path, text)
    const lock = await takeProcessLock(path)
    assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} `), JSON.stringify(text))
    await lock.release()
    assert.deepEqual(readdirSync(folder), [])
  }
})

test('giving it back leaves the lock of another process alone', async t => {
  const path = join(tempDir(t), 'lock')
  const lock = await takeProcessLock(path)
  writeFileSync(path, '1 1 x\n')
  await lock.release()
  assert.equal(readFileSync(path, 'utf8'), '1 1 x\n')
})

test("whoever ended in the middle of a take-over is in nobody's way", async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const [first, second] = [`${spawnSync('true').pid} 1 ${bootId}\n`, `${spawnSync('true').pid} 2 ${bootId}\n`]
  const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)
  writeFileSync(path, first)
  writeFileSync(`${path}.${hash(first)}`, second)
  const lock = await takeProcessLock(path)
  assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} `))
  await lock.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('what a process left that was killed while it made its life sign goes with the next lock', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  for (const name of ['0123456789ab.alive', '0123456789ab.alive.ba9876543210'])
    spawnSync(process.execPath, ['-e', script, `${path}.${name}`])
  assert.equal(readdirSync(folder).length, 2)
  const lock = await takeProcessLock(path)
  await lock.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('of many processes that come at once to a stale lock, one gets it, each time', async t => {
  const folder = tempDir(t)
  const rounds = 200
  const gone = spawnSync('true').pid
  const path = (round: number) => join(folder, `lock-${round}`)
  for (let round = 0; round < rounds; round++) writeFileSync(path(round), `${gone} 1 ${bootId}\n`)
  const source = join(import.meta.dirname, '../../../src/platform/process/process-lock.ts')
  const script = `
    const { takeProcessLock } = await import(${JSON.stringify(source)})
    console.log('ready')
    process.stdin.once('data', async () => {
      const got = []
      for (let round = 0; round < ${rounds}; round++)
        await takeProcessLock(${JSON.stringify(join(folder, 'lock-'))} + round).then(() => got.push(round), () => {})
      console.log(JSON.stringify(got))
    })`
  // It ends with this process: only one that runs holds what it got.
  const words = ['--import', 'tsx', '--input-type=module', '-e', script]
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  t.after(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  const lines = children.map(({ stdout }) => createInterface({ input: stdout })[Symbol.asyncIterator]())
  const next = () => Promise.all(lines.map(async line => (await line.next()).value))
  await next()
  for (const { stdin } of children) stdin.write('go\n')
  const got = (await next()).flatMap(line => JSON.parse(line) as number[])
  assert.deepEqual(
    got.sort((a, b) => a - b),
    [...Array(rounds).keys()],
  )
  const kinds = readdirSync(folder).map(name => name.replace(/\d+(\.[0-9a-f]{12})?/, 'N'))
  assert.deepEqual(
    [...new Set(kinds)].sort(),
    ['lock-N', 'lock-N.alive'],
    'nothing but locks and life signs of holders',
  )
  assert.equal(kinds.length, 2 * rounds)
})
