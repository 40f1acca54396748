// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { DiskTrace } from './disk-trace.ts'
import { tempDir } from './temp-dir.ts'

/** The system calls with which something is changed on a disk. */
export const writeCalls = 'write,writev,pwrite64,ftruncate,fdatasync,fsync,openat,mkdir,rename,unlink'

/** What a system call on the watched paths meets, as `strace -e inject=` says it, and which of them: `5`, `5..8`, `5+`. */
export interface DiskFault {
  readonly calls: string
  /** `error=EIO`, or `retval=1` for a write that says so and does nothing. */
  readonly what: string
  readonly when: string
}

export interface TracedProgram {
  readonly child: ChildProcess
  /** What happened on the watched paths; read it when the program has ended. */
  trace(): DiskTrace
}

/**
 * Runs a Node script under strace, which makes system calls on `paths` fail as `fault` says and keeps a record of them.
 * One thread does all the work on files, because strace counts the calls of each thread by itself.
 */
export function tracedProgram(
  t: TestContext,
  o: { readonly words: readonly string[]; readonly paths: readonly string[]; readonly fault?: DiskFault | undefined },
): TracedProgram {
  const { words, paths, fault } = o
  const record = join(tempDir(t), 'strace')
  const inject = fault === undefined ? [] : ['-e', `inject=${fault.calls}:${fault.what}:when=${fault.when}`]
  const watch = ['-f', '-qq', '--seccomp-bpf', '-y', '-s', '0', '-o', record, '-e', `trace=${writeCalls}`]
  const only = paths.flatMap(path => ['-P', path])
  const child = spawn('strace', [...watch, ...only, ...inject, process.execPath, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '1', UV_USE_IO_URING: '0', NODE_OPTIONS: '' },
  })
  return { child, trace: () => DiskTrace.read(record) }
}
