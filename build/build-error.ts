/** Why a build stopped: what failed, on what, and what to do. Printed as one line, without a stack. */
export class BuildError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BuildError'
  }
}

/** A program of the system that the build needs is not there; the message names the Debian package. */
export class MissingTool extends BuildError {
  constructor(target: string, what: string, debianPackages: readonly string[]) {
    const packages = debianPackages.length === 1 ? 'package' : 'packages'
    super(`${target}: ${what} is missing; install the Debian ${packages} ${debianPackages.join(' ')}`)
    this.name = 'MissingTool'
  }
}

/** Takes the lines that tell a person how far the build is. */
export type Report = (line: string) => void

/** Runs `main` as a program: a {@link BuildError} becomes one line on stderr and exit code 1, anything else keeps its stack. */
export async function runAsProgram(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    console.error(error instanceof BuildError ? `build: ${error.message}` : error)
    process.exitCode = 1
  }
}
