/** How programs of a target are run and stripped on this machine: directly, or through an emulator and cross tools. */
import { existsSync } from 'node:fs'
import { MissingTool } from '../build-error.ts'
import { findProgram } from '../run-program.ts'
import { type Target, targetOfThisMachine } from '../target.ts'

/** The words to put before a program of `target`; empty when this machine runs it itself. Throws a {@link MissingTool} naming the Debian package that is missing. */
export function launcherOf(target: Target): string[] {
  if (target.name === targetOfThisMachine()) return []
  const { program, debianPackage, sysroot, sysrootDebianPackages } = target.emulator
  if (findProgram(program) === undefined) throw new MissingTool(target.name, program, [debianPackage])
  if (!existsSync(sysroot)) throw new MissingTool(target.name, sysroot, sysrootDebianPackages)
  return [program, '-L', sysroot]
}

/** The program that strips files of `target`; a {@link MissingTool} naming the Debian package when it is missing. */
export function stripOf(target: Target): string {
  const native = target.name === targetOfThisMachine()
  const program = native ? 'strip' : target.strip.program
  const debianPackage = native ? 'binutils' : target.strip.debianPackage
  const path = findProgram(program)
  if (path === undefined) throw new MissingTool(target.name, program, [debianPackage])
  return path
}
