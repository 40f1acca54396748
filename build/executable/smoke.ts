/** Starts a built executable once: what does not start, or lost its code cache, never leaves the build. */
import { BuildError } from '../build-error.ts'
import { launcherOf } from '../node/machine.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'

/** Runs `executable --version`, which must print `version` and say nothing else; a {@link BuildError} otherwise. */
export async function smokeTest(target: Target, executable: string, version: string): Promise<void> {
  const [program = executable, ...args] = [...launcherOf(target), executable, '--version']
  const { stdout, stderr } = await runProgram(program, args, { env: {}, timeoutMs: 120_000 })
  if (stderr.includes('Code cache data rejected'))
    throw new BuildError(
      `${target.name}: the executable rejects its code cache: the blob was made by another Node or with other flags`,
    )
  if (stderr !== '') throw new BuildError(`${target.name}: the executable complains at its start: ${stderr.trim()}`)
  if (!stdout.includes(version))
    throw new BuildError(`${target.name}: --version printed "${stdout.trim()}", which does not name ${version}`)
}
