/**
 * One builder at a time: a lock file that holds the process id of its owner. It saves work and download; nothing breaks
 * when two builders slip through at once, because each finishes its files aside and renames them.
 */
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from '../build-error.ts'

/** Runs `work` while no other process holds the lock at `path`. A lock whose owner is gone is taken over. */
export async function withLock<T>(path: string, report: Report, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  for (let told = false; !(await take(path)); told = true) {
    if (!told) report('another build is running; waiting for it ...')
    await dropWhenOwnerIsGone(path)
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

async function dropWhenOwnerIsGone(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  const owner = Number(text)
  // An empty file is a lock whose owner is about to write its id.
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
