// SPDX-License-Identifier: Apache-2.0
/** Fetches the kernel and the programs of an emulated machine from Debian, without touching what this machine has installed. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from '../../build/build-error.ts'
import { withLock } from '../../build/executable/lock.ts'
import { runProgram } from '../../build/run-program.ts'

/** Debian's name of an architecture, and the package that depends on its present kernel. */
export interface DebianKernel {
  readonly architecture: 'amd64' | 'arm64' | 'armhf'
  readonly metaPackage: string
}

type Apt = (program: string, ...args: string[]) => Promise<{ readonly stdout: string; readonly stderr: string }>

/**
 * A folder with the unpacked kernel and busybox-static, as `dpkg -x` leaves them. It is fetched once and kept in `cache`.
 * Needs no rights: apt works in a folder of its own, with the sources and keys of this machine.
 */
export function debianFiles(kernel: DebianKernel, cache: string, report: (line: string) => void): Promise<string> {
  const { architecture, metaPackage } = kernel
  return fetched({ name: architecture, architecture, what: metaPackage, cache, report }, async (apt, complaint) => {
    const { stdout } = await apt('apt-cache', 'depends', metaPackage)
    const image = /Depends: (linux-image-\d\S*)/.exec(stdout)?.[1]
    if (image === undefined)
      throw new BuildError(
        `apt knows no ${metaPackage} for ${architecture}: ${complaint.trim() || 'no error was told'}`,
      )
    return [image, 'busybox-static']
  })
}

/** A folder with unpacked packages and all libraries that they depend on; fetched once and kept in `cache`. */
export function debianUserland(
  { architecture }: DebianKernel,
  packages: readonly string[],
  cache: string,
  report: (line: string) => void,
): Promise<string> {
  const parts = {
    name: `${architecture}-${packages.join('-')}`,
    architecture,
    what: packages.join(', '),
    cache,
    report,
  }
  return fetched(parts, async apt => {
    const less = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(kind => `--no-${kind}`)
    const { stdout } = await apt('apt-cache', 'depends', '--recurse', ...less, ...packages)
    const all = stdout.split('\n').filter(line => /^[a-z0-9]/.test(line))
    return [...new Set([...packages, ...all.filter(name => /^lib(?!debian-installer|newt|textwrap)/.test(name))])]
  })
}

async function fetched(
  parts: {
    readonly name: string
    readonly architecture: string
    readonly what: string
    readonly cache: string
    readonly report: (line: string) => void
  },
  choose: (apt: Apt, complaint: string) => Promise<readonly string[]>,
): Promise<string> {
  const { name, architecture, what, cache, report } = parts
  const folder = join(cache, name)
  await mkdir(cache, { recursive: true })
  return await withLock(join(cache, `${name}.lock`), report, async () => {
    if ((await readdir(folder).catch(() => [])).length > 0) return folder
    const workshop = await mkdtemp(join(cache, 'unfinished-'))
    try {
      report(`fetching ${what} for ${architecture} from Debian ...`)
      const apt = await privateApt(architecture, workshop)
      // One index of many that fails is no matter as long as the packages are found.
      const complaint = await apt('apt-get', 'update', '-qq').then(
        ran => ran.stderr,
        error => String(error),
      )
      await apt('apt-get', 'download', ...(await choose(apt, complaint)))
      for (const deb of await readdir(workshop))
        if (deb.endsWith('.deb')) await runProgram('dpkg', ['-x', join(workshop, deb), join(workshop, 'files')])
      await rename(join(workshop, 'files'), folder)
    } finally {
      await rm(workshop, { recursive: true, force: true })
    }
    return folder
  })
}

async function privateApt(architecture: string, folder: string): Promise<Apt> {
  const path = (...parts: string[]) => join(folder, ...parts)
  await mkdir(path('lists/partial'), { recursive: true })
  await mkdir(path('cache/archives/partial'), { recursive: true })
  await writeFile(path('status'), '')
  const settings = [
    `Dir::State "${folder}";`,
    `Dir::State::lists "${path('lists')}";`,
    `Dir::State::status "${path('status')}";`,
    `Dir::Cache "${path('cache')}";`,
    `APT::Architecture "${architecture}";`,
    `APT::Architectures "${architecture}";`,
    'APT::Sandbox::User "root";',
    'Acquire::Retries "3";',
  ]
  await writeFile(path('apt.conf'), `${settings.join('\n')}\n`)
  const env = { ...process.env, APT_CONFIG: path('apt.conf'), LC_ALL: 'C' }
  return (program: string, ...args: string[]) => runProgram(program, args, { cwd: folder, env, timeoutMs: 180_000 })
}
