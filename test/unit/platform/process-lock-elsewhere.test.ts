// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { processIdentity } from '../../../src/platform/process/process-identity.ts'
import { lockHolder as holderOf, takeProcessLock } from '../../../src/platform/process/process-lock.ts'
import { asInContainer, asOnFat, killed, lockHolder, lockProgram, signPlace } from '../../helpers/lock-holder.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
/** What the lock of a process says that is not in our /proc. */
const unseen = () => `${spawnSync('true').pid} 1 ${bootId}\n`

test('a lock of another container is kept as long as its process lives, and not longer', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const before = asInContainer()
  // Where nobody gets a container, a process whose lock names another pid is the same to those who look at it.
  const text = unseen()
  const holder =
    before === undefined
      ? lockProgram(
          t,
          `await giveLifeSign(${JSON.stringify(signPlace(path, text))}); console.log(''); setInterval(() => {}, 1e6)`,
        )
      : await lockHolder(t, path, { before })
  if (before === undefined) {
    await holder.next()
    writeFileSync(path, text)
  }
  const said = readFileSync(path, 'utf8')
  const pid = Number(said.split(' ')[0])
  assert.notEqual(`${await processIdentity(pid)}\n`, said, 'our /proc shows another process, or none')
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING', details: { pid, path } })
  assert.equal(await holderOf(path), pid)
  // One that stands still lives.
  const { pid: started } = holder.child
  const [lockPid = started] = readFileSync(`/proc/${started}/task/${started}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
  process.kill(Number(lockPid), 'SIGSTOP')
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING' })
  process.kill(Number(lockPid), 'SIGCONT')
  await killed(holder)
  const lock = await takeProcessLock(path)
  assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} `))
  await lock.release()
  assert.deepEqual(readdirSync(folder), [], 'and nothing of the other one is left')
})

test('a second taker in the same process is refused at once, and gets it when the first has given it back', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const lock = await takeProcessLock(path)
  const details = { pid: process.pid, path, sameProcess: true }
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING', details })
  const others = await Promise.allSettled([takeProcessLock(path), takeProcessLock(path)])
  assert.deepEqual(
    others.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  await lock.release()
  const both = await Promise.allSettled([takeProcessLock(path), takeProcessLock(path)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'also when they come at once')
  for (const one of both) if (one.status === 'fulfilled') await one.value.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('a worker thread counts as its process, until it has ended', async t => {
  const path = join(tempDir(t), 'lock')
  const source = join(import.meta.dirname, '../../../src/platform/process/process-lock.ts')
  const tsx = join(import.meta.dirname, '../../../node_modules/tsx/dist/esm/api/index.mjs')
  const script = `
    import(${JSON.stringify(tsx)}).then(({ tsImport }) => tsImport(${JSON.stringify(source)}, ${JSON.stringify(source)}))
      .then(({ takeProcessLock }) => takeProcessLock(${JSON.stringify(path)}))
      .then(() => require('node:worker_threads').parentPort.postMessage('has it'))
    setInterval(() => {}, 1e6)`
  const worker = new Worker(script, { eval: true, execArgv: [] })
  t.after(() => worker.terminate())
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING' })
  await worker.terminate()
  await (await takeProcessLock(path)).release()
})

test('a process that began anew as another program takes its own lock again', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  writeFileSync(path, `${await processIdentity(process.pid)}\n`)
  await (await takeProcessLock(path)).release()
  assert.deepEqual(readdirSync(folder), [])
  // Where Node cannot replace a process, the above is all there is.
  const script = `const lock = await takeProcessLock(${JSON.stringify(path)})
    console.log('took it')
    if (process.env.AGAIN === '1') await lock.release()
    else process.execve?.(process.execPath, [process.execPath, ...process.execArgv], { ...process.env, AGAIN: '1' })`
  const program = lockProgram(t, script)
  assert.equal(await program.next(), 'took it')
  if (!('execve' in process)) return
  assert.equal(await program.next(), 'took it')
  await new Promise(resolve => program.child.once('close', resolve))
  assert.deepEqual(readdirSync(folder), [])
})

test('a folder whose path is too long for a socket has its lock and its life sign all the same', async t => {
  const folder = join(tempDir(t), 'd'.repeat(100), 'e'.repeat(100))
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'lock')
  const lock = await takeProcessLock(path)
  assert.equal(existsSync(signPlace(path, readFileSync(path, 'utf8'))), true)
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING' })
  await lock.release()
  assert.deepEqual(readdirSync(folder), [])
})

test('without hard links and sockets, as on FAT, one process has the lock, and it goes with that process', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const holder = await lockHolder(t, path, { imports: [asOnFat] })
  assert.equal(readFileSync(path, 'utf8'), `${await processIdentity(holder.child.pid ?? 0)}\n`)
  await assert.rejects(takeProcessLock(path), { code: 'ALREADY_RUNNING', details: { pid: holder.child.pid, path } })
  const twice = `const tries = () => takeProcessLock(${JSON.stringify(join(folder, 'other'))})
    const ends = await Promise.allSettled([tries(), tries()])
    ends.push(...(await Promise.allSettled([tries()])))
    console.log(ends.filter(({ status }) => status === 'fulfilled').length)`
  assert.equal(await lockProgram(t, twice, { imports: [asOnFat] }).next(), '1', 'and no second time in one process')
  await killed(holder)
  const next = await lockHolder(t, path, { imports: [asOnFat] })
  assert.equal(readFileSync(path, 'utf8'), `${await processIdentity(next.child.pid ?? 0)}\n`)
})

test('without hard links, of many processes that come at once to a stale lock, one gets it, each time', async t => {
  const folder = tempDir(t)
  const rounds = 40
  const stale = unseen()
  for (let round = 0; round < rounds; round++) writeFileSync(join(folder, `lock-${round}`), stale)
  const script = `console.log('ready')
    process.stdin.once('data', async () => {
      const got = []
      for (let round = 0; round < ${rounds}; round++)
        await takeProcessLock(${JSON.stringify(join(folder, 'lock-'))} + round).then(() => got.push(round), () => {})
      console.log(JSON.stringify(got))
    })`
  const programs = Array.from({ length: 4 }, () => lockProgram(t, script, { imports: [asOnFat] }))
  for (const program of programs) await program.next()
  for (const { child } of programs) child.stdin?.write('go\n')
  const got = (await Promise.all(programs.map(program => program.next()))).flatMap(line => JSON.parse(line) as number[])
  assert.deepEqual(
    got.sort((a, b) => a - b),
    [...Array(rounds).keys()],
  )
})

test('without sockets, a lock of other namespaces is held with the way out, until the machine has booted again', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const other = { pidSpace: 'pid:[1]', netSpace: 'net:[1]' }
  const note = ({ pidSpace, netSpace }: typeof other) => `${'0'.repeat(32)} ${pidSpace} ${netSpace}\n`
  const text = unseen()
  writeFileSync(path, text)
  writeFileSync(signPlace(path, text), note(other))
  const pid = Number(text.split(' ')[0])
  await assert.rejects(takeProcessLock(path), (error: { code?: string; details?: object; remedy?: string }) => {
    assert.deepEqual(
      [error.code, error.details, error.remedy],
      [
        'ALREADY_RUNNING',
        { pid, path, elsewhere: true },
        `Stop that process. If it does not run any more, remove ${path}.`,
      ],
    )
    return true
  })
  assert.equal(await holderOf(path), pid)

  const former = `${pid} 1 another-boot\n`
  writeFileSync(path, former)
  writeFileSync(signPlace(path, former), note(other))
  await (await takeProcessLock(path)).release()
  assert.equal(existsSync(path), false)
})

test('without sockets, what the network or the processes of one machine show is believed', async t => {
  const folder = tempDir(t)
  const path = join(folder, 'lock')
  const spaceOf = (kind: string) => spawnSync('readlink', [`/proc/self/ns/${kind}`], { encoding: 'utf8' }).stdout.trim()
  const ended = [
    `${'0'.repeat(32)} pid:[1] ${spaceOf('net')}\n`,
    `${'0'.repeat(32)} ${spaceOf('pid')} net:[1]\n`,
    `- ${spaceOf('pid')} net:[1]\n`,
  ]
  for (const note of ended) {
    const text = unseen()
    writeFileSync(path, text)
    writeFileSync(signPlace(path, text), note)
    await (await takeProcessLock(path)).release()
    assert.equal(existsSync(path), false, note)
  }
})
