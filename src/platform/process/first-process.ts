// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { commandLine, replaceProcess } from './restart-process.ts'

const shell = '/bin/sh'

/**
 * Process 1 of a container or a small device, played by a shell: it waits for every process that has lost its parent, passes signals
 * on to the working process, and ends as that does. Node waits only for its own children.
 */
const script = `
work=
for signal in TERM INT QUIT HUP; do trap "kill -$signal \\$work" $signal; done
"$@" <&0 &
work=$!
exec 2>/dev/null
while :; do
  wait $work
  code=$?
  kill -0 $work || exit $code
done
`

/**
 * Where this process is process 1, starts anew as a child of a shell that is process 1 from then on. Does not return then.
 *
 * @returns why orphans will not be reaped, where no shell can take that place; undefined where this is not process 1
 */
export function leaveFirstProcess(): string | undefined {
  if (process.pid !== 1) return undefined
  const advice = 'processes that lose their parent stay as zombies; start an init before it (docker run --init, tini)'
  if (!existsSync(shell)) return `this is process 1, and there is no ${shell}: ${advice}`
  const [, ...args] = commandLine()
  replaceProcess(shell, ['sh', '-c', script, 'sh', process.execPath, ...args])
  return `this is process 1, and this Node cannot give its place to ${shell}: ${advice}`
}
