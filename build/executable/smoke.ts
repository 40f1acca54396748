// SPDX-License-Identifier: Apache-2.0
/** Starts a built executable once: one that does not start, or rejects its code cache, fails the build. */
import { BuildError } from '../build-error.ts'
import { launcherOf } from '../node/machine.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'

/** Runs `executable --version`. Throws a {@link BuildError} unless it prints `version`, and nothing on stderr. */
export async function smokeTest(target: Target, executable: string, version: string): Promise<void> {
  const [program = executable, ...args] = [...launcherOf(target), executable, '--version']
  const { stdout, stderr } = await runProgram(program, args, { env: {}, timeoutMs: 120_000 })
  if (stderr.includes('Code cache data rejected'))
    throw new BuildError(
      `${target.name}: the executable rejects its code cache, because the blob was made by another Node or with other flags.`,
    )
  if (stderr !== '')
    throw new BuildError(`${target.name}: the executable writes to stderr at its start: ${stderr.trim()}`)
  if (!stdout.includes(version))
    throw new BuildError(`${target.name}: --version printed "${stdout.trim()}", which does not contain ${version}.`)
}
