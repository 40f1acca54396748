/** Fetches the kernel and the BusyBox of an emulated machine from Debian, without touching what this machine has installed. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from '../../build/build-error.ts'
import { withLock } from '../../build/lock.ts'
import { runProgram } from '../../build/run-program.ts'

/** Debian's name of an architecture, and the package that depends on its present kernel. */
export interface DebianKernel {
  readonly architecture: 'amd64' | 'arm64' | 'armhf'
  readonly metaPackage: string
}

/**
 * A folder with the unpacked kernel and busybox-static, as `dpkg -x` leaves them. It is fetched once and kept in `cache`.
 * Needs no rights: apt works in a folder of its own, with the sources and keys of this machine.
 */
export async function debianFiles(
  kernel: DebianKernel,
  cache: string,
  report: (line: string) => void,
): Promise<string> {
  const folder = join(cache, kernel.architecture)
  await mkdir(cache, { recursive: true })
  return await withLock(join(cache, `${kernel.architecture}.lock`), report, async () => {
    if ((await readdir(folder).catch(() => [])).length > 0) return folder
    const workshop = await mkdtemp(join(cache, 'unfinished-'))
    try {
      await fetchInto(kernel, workshop, report)
      await rename(join(workshop, 'files'), folder)
    } finally {
      await rm(workshop, { recursive: true, force: true })
    }
    return folder
  })
}

async function fetchInto(kernel: DebianKernel, workshop: string, report: (line: string) => void): Promise<void> {
  const { architecture, metaPackage } = kernel
  report(`fetching ${metaPackage} and busybox-static for ${architecture} from Debian ...`)
  const apt = await privateApt(architecture, workshop)
  // One index of many that fails is no matter as long as the packages are found.
  const complaint = await apt('apt-get', 'update', '-qq').then(
    ran => ran.stderr,
    error => String(error),
  )
  const { stdout } = await apt('apt-cache', 'depends', metaPackage)
  const image = /Depends: (linux-image-\d\S*)/.exec(stdout)?.[1]
  if (image === undefined)
    throw new BuildError(`apt knows no ${metaPackage} for ${architecture}: ${complaint.trim() || 'no error was told'}`)
  await apt('apt-get', 'download', image, 'busybox-static')
  for (const name of await readdir(workshop))
    if (name.endsWith('.deb')) await runProgram('dpkg', ['-x', join(workshop, name), join(workshop, 'files')])
}

async function privateApt(architecture: string, folder: string) {
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
