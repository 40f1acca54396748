// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { errnoOf } from '../../base/errors.ts'
import { fileFailure } from '../files/file-failure.ts'
import { checkProgram } from './find-program.ts'
import { OutputTail } from './output-tail.ts'
import { childEnvironment } from './served-process.ts'
import { spawned } from './spawned.ts'
import { userAccount } from './user-account.ts'

/** A program that serves one connection on its standard input and output, as inetd starts it. */
export interface ConnectionServer {
  readonly pid: number
  /** Its standard input and output, one socket for both. */
  readonly connection: Socket
  readonly ended: Promise<ServerEnd>
  /** Ends it, with its process group. */
  stop(): void
}

/** How it ended; `complaint` is the end of its output on stderr. */
export interface ServerEnd {
  readonly exitCode?: number
  readonly signal?: string
  readonly complaint: string
}

const complaintBytes = 500
/** How long it gets to end by itself after SIGTERM. */
const graceMs = 2_000
const drainMs = 500

/** inetd gives a program one socket for input and output, and dropbear relies on that; Node would give two. A third stream, which is such a socket, replaces both. */
const oneSocket = 'umask 022; exec "$@" <&3 >&3 3>&-'

/**
 * Starts a program in a process group of its own, with a clean environment; the shell that joins it to its socket reads
 * none of its arguments. It is one of a pair of Unix sockets: nothing listens. When this process is killed, the program
 * reads the end of its input.
 *
 * @param user the user it runs as; absent: that of this process
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `NOT_SUPPORTED` (no such user, or not root)
 */
export async function startServer(argv: readonly string[], user?: string): Promise<ConnectionServer> {
  const account = user === undefined ? undefined : await userAccount(user)
  const [file = ''] = argv
  const env = childEnvironment(account)
  await checkProgram(file, env.PATH)
  const child = await spawned('/bin/sh', () =>
    spawn('/bin/sh', ['-c', oneSocket, 'device-cloud', ...argv], {
      cwd: '/',
      env,
      uid: account?.userId,
      gid: account?.groupId,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    }),
  )
  const { stderr, pid } = child
  const connection = child.stdio[3]
  if (!(connection instanceof Socket) || stderr === null || pid === undefined)
    throw fileFailure('run', file, new Error('it has no pipes'))
  for (const stream of [connection, stderr]) stream.on('error', () => {})
  let isRunning = true
  child.once('exit', () => {
    isRunning = false
    // The rest of its group has no connection to serve any more.
    killGroup(pid, 'SIGKILL')
  })
  const ended = endOf(child, stderr)
  const stop = () => {
    connection.destroy()
    if (!isRunning) return
    killGroup(pid, 'SIGTERM')
    setTimeout(() => isRunning && killGroup(pid, 'SIGKILL'), graceMs).unref()
  }
  return { pid, connection, ended, stop }
}

function endOf(child: ChildProcess, stderr: Readable): Promise<ServerEnd> {
  const complaint = new OutputTail(complaintBytes)
  stderr.on('data', (part: Buffer) => complaint.add(part))
  return new Promise<ServerEnd>(resolve => {
    child.once('exit', (exitCode, signal) => {
      // A process outside the group may hold stderr open for ever.
      setTimeout(() => {
        stderr.destroy()
        resolve({
          ...(exitCode === null ? {} : { exitCode }),
          ...(signal === null ? {} : { signal }),
          complaint: complaint.text().trim(),
        })
      }, drainMs).unref()
    })
  })
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all of the group have ended. EPERM: it became another user, which only root may end.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error
  }
}
