// SPDX-License-Identifier: Apache-2.0
/** A device of nothing but BusyBox, an executable and the libraries that it needs: a folder, and processes that see only it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, constants, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { findProgram } from '../../build/run-program.ts'
import { eventually } from './eventually.ts'

export interface Answer {
  readonly code: number | null
  /** stdout and stderr. */
  readonly text: string
}

/** What Buildroot's BusyBox runs at boot, as short as it can be. */
const rcS = `#!/bin/sh
for script in /etc/init.d/S??*; do
  [ -x "$script" ] && "$script" start
done
`

export class BusyboxDevice {
  readonly root: string
  #init: ChildProcess | undefined
  #initPid = 0

  private constructor(root: string) {
    this.root = root
  }

  /** The folder of a device that has not booted yet; undefined, and the test skipped, where that cannot be had. */
  static make(t: TestContext, executable: string): BusyboxDevice | undefined {
    const busybox = findProgram('busybox')
    const missing =
      busybox === undefined
        ? 'busybox is missing; install the Debian package busybox-static'
        : spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status !== 0
          ? 'namespaces need root'
          : undefined
    if (busybox === undefined || missing !== undefined) {
      t.skip(missing)
      return undefined
    }
    const root = mkdtempSync(join(tmpdir(), 'device-cloud-busybox-'))
    t.after(() => rmSync(root, { recursive: true, force: true }))
    chmodSync(root, 0o755)
    const device = new BusyboxDevice(root)
    const folders = [
      'bin',
      'dev',
      'etc/init.d',
      'proc',
      'sbin',
      'tmp',
      'usr/bin',
      'usr/sbin',
      'var/run',
      'var/lib',
      'root',
    ]
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true })
    device.#copy(busybox, '/bin/busybox')
    const applets = spawnSync(busybox, ['--list-full'], { encoding: 'utf8' }).stdout.trim().split('\n')
    for (const applet of applets) {
      if (applet === 'bin/busybox') continue
      mkdirSync(join(root, dirname(applet)), { recursive: true })
      symlinkSync('/bin/busybox', join(root, applet))
    }
    device.#copy(executable, '/usr/bin/device-cloud')
    for (const library of librariesOf(executable)) device.#copy(library, library)
    spawnSync('mknod', ['-m', '666', join(root, 'dev/null'), 'c', '1', '3'])
    device.write('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ncloud:x:1234:1234::/tmp:/bin/false\n')
    device.write('/etc/group', 'root:x:0:\ncloud:x:1234:\n')
    device.write('/etc/inittab', '::sysinit:/etc/init.d/rcS\n')
    device.write('/etc/init.d/rcS', rcS, 0o755)
    return device
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), text, { mode })
    chmodSync(join(this.root, path), mode)
  }

  #copy(from: string, to: string): void {
    mkdirSync(dirname(join(this.root, to)), { recursive: true })
    copyFileSync(from, join(this.root, to), constants.COPYFILE_FICLONE)
  }

  /** Lets BusyBox init run as process 1. Everything ends with the test. */
  async boot(t: TestContext): Promise<void> {
    // Each boot has an id of its own, as on a machine; the kernel below has only one.
    this.write('/tmp/boot_id', `${randomUUID()}\n`)
    const bootId = `${this.root}/proc/sys/kernel/random/boot_id`
    const start = [
      `mount -t proc proc ${this.root}/proc`,
      `mount --bind ${this.root}/tmp/boot_id ${bootId}`,
      `exec chroot ${this.root} /sbin/init`,
    ].join(' && ')
    const words = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', 'sh', '-c', start]
    const child = spawn('unshare', words, { stdio: 'ignore', env: { PATH: process.env.PATH } })
    this.#init = child
    t.after(() => this.powerCut())
    this.#initPid = await eventually('init runs', () => {
      const pid = Number(spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).stdout)
      const name = spawnSync('readlink', [`/proc/${pid}/root`], { encoding: 'utf8' }).stdout.trim()
      return name === this.root ? pid : undefined
    })
  }

  /** Ends everything at once. */
  async powerCut(): Promise<void> {
    const child = this.#init
    this.#init = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await gone
  }

  /** Runs a program on the device, and before it has booted in its folder alone. */
  run(...words: readonly string[]): Answer {
    const env = { PATH: '/sbin:/usr/sbin:/bin:/usr/bin' }
    const [program, args] =
      this.#init === undefined
        ? ['/usr/sbin/chroot', [this.root, ...words]]
        : ['/usr/bin/nsenter', ['-t', String(this.#initPid), '-m', '-p', '-r', '-w', ...words]]
    const { status, stdout, stderr, error } = spawnSync(program, args, { env, encoding: 'utf8', timeout: 60_000 })
    if (error !== undefined) throw error
    return { code: status, text: `${stdout}${stderr}` }
  }

  sh(script: string): Answer {
    return this.run('/bin/sh', '-c', script)
  }
}

/** The shared libraries of a program, the dynamic linker among them. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' })
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path)
}
