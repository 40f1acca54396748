/** How programs of a target are run and stripped on this machine: directly, or through an emulator and cross tools. */
import { existsSync } from 'node:fs'
import { BuildError } from './build-error.ts'
import { findProgram } from './run-program.ts'
import { type Target, targetOfThisMachine } from './target.ts'

/** The words to put before a program of `target`; empty when this machine runs it itself. Throws a {@link BuildError} naming the Debian package that is missing. */
export function launcherOf(target: Target): string[] {
  if (target.name === targetOfThisMachine()) return []
  const { program, debianPackage, sysroot, sysrootDebianPackages } = target.emulator
  if (findProgram(program) === undefined)
    throw new BuildError(`${target.name}: ${program} is missing; install the Debian package ${debianPackage}`)
  if (!existsSync(sysroot))
    throw new BuildError(
      `${target.name}: ${sysroot} is missing; install the Debian packages ${sysrootDebianPackages.join(' ')}`,
    )
  return [program, '-L', sysroot]
}

/** The program that strips files of `target`; a {@link BuildError} naming the Debian package when it is missing. */
export function stripOf(target: Target): string {
  const native = target.name === targetOfThisMachine()
  const program = native ? 'strip' : target.strip.program
  const debianPackage = native ? 'binutils' : target.strip.debianPackage
  const path = findProgram(program)
  if (path === undefined)
    throw new BuildError(`${target.name}: ${program} is missing; install the Debian package ${debianPackage}`)
  return path
}
