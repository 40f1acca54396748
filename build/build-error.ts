// SPDX-License-Identifier: Apache-2.0
/** Why a build stopped, as a full sentence: what failed, where, and the remedy. Printed as one line, without a stack. */
export class BuildError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BuildError'
  }
}

/** A program that the build needs is not installed; the message names its Debian package. */
export class MissingTool extends BuildError {
  constructor(target: string, what: string, debianPackages: readonly string[]) {
    const packages = debianPackages.length === 1 ? 'package' : 'packages'
    super(`${target}: ${what} is missing. Install the Debian ${packages} ${debianPackages.join(' ')}.`)
    this.name = 'MissingTool'
  }
}

/** Takes the lines that report the progress of the build. */
export type Report = (line: string) => void

/** Runs `main` as a program. A {@link BuildError} becomes one line on stderr, any other error is printed with its stack; both exit with 1. */
export async function runAsProgram(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof BuildError ? `build: ${error.message}` : error)
    process.exitCode = 1
  }
}
