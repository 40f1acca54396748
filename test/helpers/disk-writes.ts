// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { tempDir } from './temp-dir.ts'

const calls =
  'write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,fsync,fdatasync,sync_file_range,ftruncate,truncate,' +
  'fallocate,open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,symlink,symlinkat,utimensat,io_uring_enter'

/** Why it cannot be seen here what a process writes, or false. */
export function straceMissing(): string | false {
  if (spawnSync('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true']).status === 0) return false
  return 'strace cannot be used here (Debian package strace, and the right to trace)'
}

/** The system calls with which a process and its threads change something on a disk in the next `lengthMs`. */
export async function diskWrites(t: TestContext, pid: number, lengthMs: number): Promise<string[]> {
  const file = join(tempDir(t), 'strace')
  const strace = spawn('strace', ['-f', '-y', '-o', file, '-e', `trace=${calls}`, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => strace.kill('SIGKILL'))
  let told = ''
  await new Promise<void>((resolve, reject) => {
    strace.stderr.on('data', data => {
      told += String(data)
      if (/attached/.test(told)) resolve()
    })
    strace.once('exit', () => reject(new Error(`strace: ${told}`)))
  })
  await new Promise(resolve => setTimeout(resolve, lengthMs))
  const ended = new Promise(resolve => strace.once('exit', resolve))
  strace.kill('SIGINT')
  await ended
  return readFileSync(file, 'utf8').split('\n').filter(changesDisk)
}

/** A line such as `1234 write(17</home/x/queue/t-1.seg>, "..."...) = 99`; descriptors of sockets and pipes have no path. */
function changesDisk(line: string): boolean {
  const [, name = '', rest = ''] = /^\d+\s+(\w+)\((.*)$/.exec(line) ?? []
  if (name === '' || /= -1 E/.test(rest)) return false
  if (/^(?:open|openat|creat)$/.test(name))
    return /O_CREAT|O_TRUNC|O_WRONLY|O_RDWR|^creat/.test(rest) && !/"\/dev\//.test(rest)
  if (/^(?:p?write|pwrite64|sendfile)/.test(name)) return /^\d+<\/(?!dev\/|proc\/)/.test(rest)
  return true
}
