import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { takeProcessLock } from '../../../src/platform/process-lock.ts'
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

test('giving it back leaves the lock of somebody else alone', async t => {
  const path = join(tempDir(t), 'lock')
  const lock = await takeProcessLock(path)
  writeFileSync(path, '1 1 x\n')
  await lock.release()
  assert.equal(readFileSync(path, 'utf8'), '1 1 x\n')
})

test('of many processes that start at once on a stale lock, one gets it', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  writeFileSync(path, `${spawnSync('true').pid} 1 ${bootId}\n`)
  const source = join(import.meta.dirname, '../../../src/platform/process-lock.ts')
  const script = `import(${JSON.stringify(source)}).then(m => m.takeProcessLock(${JSON.stringify(path)})).then(
    () => { console.log('got'); process.stdin.resume() }, error => console.log(error.code))`
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--import', 'tsx', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  t.after(() => {
    for (const child of children) child.kill('SIGKILL')
  })
  const said = await Promise.all(
    children.map(
      child => new Promise<string>(resolve => child.stdout.once('data', text => resolve(String(text).trim()))),
    ),
  )
  assert.deepEqual(said.sort(), ['ALREADY_RUNNING', 'ALREADY_RUNNING', 'ALREADY_RUNNING', 'got'])
  assert.deepEqual(readdirSync(folder), ['lock'])
})
