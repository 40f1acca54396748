// SPDX-License-Identifier: Apache-2.0
/**
 * One build at a time, by a lock file with the process id of its owner. The lock saves work and downloads; two builds at once
 * would do no harm, because each writes its files under other names and renames them when they are complete.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../build-error.ts'

/** Runs `work` while no other process holds the lock at `path`. The lock of a process that has ended is taken over. */
export async function withLock<T>(path: string, report: Report, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  for (let isReported = false; !(await take(path)); isReported = true) {
    if (!isReported) report('another build is running; waiting for it ...')
    await removeStale(path)
    await sleep(100)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(`${process.pid}\n`)
    await file.close()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function removeStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  const owner = Number(text)
  // The file is empty until its owner has written its id.
  if (text === undefined || owner === 0 || isRunning(owner)) return
  await rm(path, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
