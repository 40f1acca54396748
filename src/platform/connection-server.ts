import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { errnoOf } from '../base/errors.ts'
import { fileFailure } from './file-failure.ts'
import { OutputTail } from './output-tail.ts'
import { childEnvironment, spawned } from './served-process.ts'
import { userAccount } from './user-account.ts'

/** A program that serves one connection on its standard input and output, as inetd starts it. */
export interface ConnectionServer {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly ended: Promise<ServerEnd>
  /** Ends it, and what it has started in its process group. */
  stop(): void
}

/** How it ended; `complaint` is the end of what it wrote to stderr. */
export interface ServerEnd {
  readonly exitCode?: number
  readonly signal?: string
  readonly complaint: string
}

const complaintBytes = 500
/** What it gets to end by itself after SIGTERM. */
const graceMs = 2_000
const drainMs = 500

/**
 * Starts a program without a shell, in a process group of its own, with a clean environment.
 * Node joins it by a pair of Unix sockets: nothing listens. When this process is killed, it reads the end of its input.
 *
 * @param user the user it runs as; absent: that of this process
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `NOT_SUPPORTED` (no such user, or not root)
 */
export async function startServer(argv: readonly string[], user?: string): Promise<ConnectionServer> {
  const account = user === undefined ? undefined : await userAccount(user)
  const [file = '', ...args] = argv
  const child = await spawned(file, () =>
    spawn(file, args, {
      cwd: '/',
      env: childEnvironment(account),
      ...(account === undefined ? {} : { uid: account.userId, gid: account.groupId }),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      shell: false,
    }),
  )
  const { stdin, stdout, stderr, pid } = child
  if (stdin === null || stdout === null || stderr === null || pid === undefined)
    throw fileFailure('run', file, new Error('it has no pipes'))
  const complaint = new OutputTail(complaintBytes)
  stderr.on('data', (part: Buffer) => complaint.add(part))
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {})
  let isRunning = true
  const ended = new Promise<ServerEnd>(resolve => {
    child.once('exit', (exitCode, signal) => {
      isRunning = false
      // What it left in its group has no connection to serve any more.
      killGroup(pid, 'SIGKILL')
      // Something outside the group may hold stderr open for ever.
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
  const stop = () => {
    stdin.destroy()
    stdout.destroy()
    if (!isRunning) return
    killGroup(pid, 'SIGTERM')
    setTimeout(() => isRunning && killGroup(pid, 'SIGKILL'), graceMs).unref()
  }
  return { pid, stdin, stdout, ended, stop }
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: all of the group have ended. EPERM: it became another user, which only root may end.
    if (errnoOf(error) !== 'ESRCH' && errnoOf(error) !== 'EPERM') throw error
  }
}
