// SPDX-License-Identifier: Apache-2.0
/** Runs and strips programs of a target on this machine: directly, or by an emulator and cross tools. */
import { existsSync } from 'node:fs'
import { MissingTool } from '../build-error.ts'
import { findProgram } from '../run-program.ts'
import { type Target, targetOfThisMachine } from '../target.ts'

/** The command that precedes a program of `target`; empty when this machine can run it. Throws a {@link MissingTool} when the emulator is not installed. */
export function launcherOf(target: Target): string[] {
  if (target.name === targetOfThisMachine()) return []
  const { program, debianPackage, sysroot, sysrootDebianPackages } = target.emulator
  if (findProgram(program) === undefined) throw new MissingTool(target.name, program, [debianPackage])
  if (!existsSync(sysroot)) throw new MissingTool(target.name, sysroot, sysrootDebianPackages)
  return [program, '-L', sysroot]
}

/** The path of the program that strips files of `target`. Throws a {@link MissingTool} when it is not installed. */
export function stripOf(target: Target): string {
  const native = target.name === targetOfThisMachine()
  const program = native ? 'strip' : target.strip.program
  const debianPackage = native ? 'binutils' : target.strip.debianPackage
  const path = findProgram(program)
  if (path === undefined) throw new MissingTool(target.name, program, [debianPackage])
  return path
}
