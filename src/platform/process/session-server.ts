// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { checkProgram } from './find-program.ts'
import { OutputTail } from './output-tail.ts'
import { childEnvironment } from './served-process.ts'
import { spawned } from './spawned.ts'
import { userAccount } from './user-account.ts'

/** A program that listens for as long as it is wanted. */
export interface SessionServer {
  readonly pid: number
  /** Resolves with the end of its output on stderr. */
  readonly ended: Promise<string>
  /** Ends it, with its process group. */
  stop(): void
}

const complaintBytes = 500

/**
 * A shell between this process and the program: when its input ends, because this process closes it or was killed, it ends the
 * program with its whole group. So the program never outlives this process.
 */
const guard =
  'umask 022; exec 3<&0; "$@" </dev/null 3<&- & ' +
  'read -r word <&3; trap "" TERM; kill -TERM 0; sleep 2; kill -KILL 0'

/**
 * Starts a program that stays in the foreground, without a shell to read its arguments, with a clean environment.
 *
 * @param user the user it runs as; absent: that of this process
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `NOT_SUPPORTED` (no such user, or not root)
 */
export async function startSessionServer(argv: readonly string[], user?: string): Promise<SessionServer> {
  const account = user === undefined ? undefined : await userAccount(user)
  const env = childEnvironment(account)
  await checkProgram(argv[0] ?? '', env.PATH)
  const child = await spawned('/bin/sh', () =>
    spawn('/bin/sh', ['-c', guard, 'device-cloud', ...argv], {
      cwd: '/',
      env,
      uid: account?.userId,
      gid: account?.groupId,
      stdio: ['pipe', 'ignore', 'pipe'],
      detached: true,
    }),
  )
  const complaint = new OutputTail(complaintBytes)
  child.stderr?.on('data', (part: Buffer) => complaint.add(part))
  for (const stream of [child.stdin, child.stderr]) stream?.on('error', () => {})
  const ended = new Promise<string>(resolve => child.once('exit', () => resolve(complaint.text().trim())))
  return { pid: child.pid ?? 0, ended, stop: () => void child.stdin?.end() }
}
