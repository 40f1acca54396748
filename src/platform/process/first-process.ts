import { existsSync } from 'node:fs'
import { commandLine, replaceProcess } from './restart-process.ts'

const shell = '/bin/sh'

/**
 * Process 1 of a container or a small device, as a shell can be it: it waits for every process that has lost its parent, hands the
 * signals to the one that does the work, and ends as that does. Node waits for its own children alone.
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
 * Where this process is process 1, begins anew as a child of a shell that is process 1 from then on. Does not return then.
 *
 * @returns why orphans will not be reaped, where that cannot be had; undefined where this is not process 1
 */
export function leaveFirstProcess(): string | undefined {
  if (process.pid !== 1) return undefined
  const advice = 'processes that lose their parent stay as zombies; start an init before it (docker run --init, tini)'
  if (!existsSync(shell)) return `this is process 1, and there is no ${shell}: ${advice}`
  const [, ...args] = commandLine()
  replaceProcess(shell, ['sh', '-c', script, 'sh', process.execPath, ...args])
  return `this is process 1, and this Node cannot give its place to ${shell}: ${advice}`
}
