// SPDX-License-Identifier: Apache-2.0
import { readBootId } from '../system/system-facts.ts'
import { systemText } from '../system/system-file.ts'
import { isRunning } from './process-facts.ts'

/** What stands for a part that the system does not say. */
const unknown = '-'
/** What stands for the start of a process that has ended, and whose parent has not yet asked how (a zombie). */
const ended = 'ended'

/** The identity of the process `pid`, `PID START-TIME BOOT-ID`: names this one run of it for ever. */
export async function processIdentity(pid: number): Promise<string> {
  return `${pid} ${(await startOf(pid)) ?? unknown} ${(await readBootId()) ?? unknown}`
}

/** The process id in an identity; 0 where the text is none. */
export function pidIn(identity: string): number {
  return Number(/^(\d{1,10}) /.exec(identity)?.[1] ?? 0)
}

/** Whether an identity has the start of its process. Without it, another process that was given the pid has the same identity. */
export function hasStart(identity: string): boolean {
  return /^\d{1,10} \d+ /.test(identity)
}

/** Whether the process that an identity names runs. Another one that was given its pid does not count. */
export async function isProcessAlive(identity: string): Promise<boolean> {
  const pid = pidIn(identity)
  if (pid === 0 || !isRunning(pid)) return false
  const now = await processIdentity(pid)
  return now === identity && now.split(' ')[1] !== ended
}

/** Whether an identity is that of a process of this boot of the system, as far as the system says. */
export async function isOfThisBoot(identity: string): Promise<boolean> {
  return identity.endsWith(` ${(await readBootId()) ?? unknown}`)
}

/** When a process began, in ticks since the boot. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await systemText('/', `proc/${pid}/stat`)
  // The name in parentheses may hold anything; the 22nd field is the 20th behind it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? ended : fields?.[19]
}
