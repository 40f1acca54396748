// SPDX-License-Identifier: Apache-2.0
/** What every measurement needs: a cloud, programs as one file each, processes, and folders; all gone at the end. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { agentPlugins } from '../../build/bundle/bundle.ts'
import { nodeByRequire, requireForEsm } from '../../build/bundle/node-by-require.ts'
import { pinnedNode } from '../../build/node/node-binary.ts'
import { readTarget } from '../../build/target.ts'
import { LocalCloud } from '../helpers/local-cloud.ts'

const root = resolve(import.meta.dirname, '../..')

export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'device-cloud-bench-'))
  readonly cloud = new LocalCloud(join(this.folder, 'cloud'), {})
  readonly #children = new Set<ChildProcess>()
  #things = 0
  #node = process.execPath
  #options: readonly string[] = []

  /** Starts the cloud, and gets the Node that the programs run on: the one of the executables, where there is one for this machine. */
  async start(): Promise<void> {
    const { node, sea } = readTarget(process.arch === 'arm64' ? 'arm64' : 'x64')
    if (node.package === `node-linux-${process.arch}`) {
      this.#node = (await pinnedNode(node, { report: line => console.error(line) })).path
      this.#options = Array.isArray(sea.execArgv) ? sea.execArgv.map(String) : []
    }
    await this.cloud.start()
  }

  /** What stands before a script on the command line: our programs get the options that the executable has. */
  #optionsOf(script: string): readonly string[] {
    return script.includes('-bare-') ? [] : this.#options
  }

  /** The version of the Node that the programs run on. */
  async nodeVersion(): Promise<string> {
    const { stdout } = await promisify(execFile)(this.#node, ['--version'])
    return stdout.trim().slice(1)
  }

  async end(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await this.cloud.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** A program of programs/ (or another file) as one script, the bare ones and ours made the same way. */
  async bundle(file: string): Promise<string> {
    const outfile = join(this.folder, `${file.replaceAll(/[^a-z]+/g, '-')}.mjs`)
    await build({
      entryPoints: [resolve(root, file)],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      minify: true,
      charset: 'ascii',
      // As the library is bundled; a bare program is what its author would get.
      plugins: outfile.includes('-bare-') ? [] : [...agentPlugins, nodeByRequire],
      logLevel: 'error',
      // Some packages are CommonJS and call require; a module has none of its own.
      banner: { js: requireForEsm },
    })
    return outfile
  }

  /** The configuration of a new device; answers its folder and thing key. */
  device(appId: string, more: object = {}): { dir: string; thingKey: string } {
    const deviceId = `bench${++this.#things}`
    const dir = join(this.folder, deviceId)
    mkdirSync(dir)
    const { mqtts, https, token, ca } = this.cloud
    const cloud = { host: 'localhost', port: mqtts, transport: 'mqtts', token, file_xfer_port: https }
    const config = JSON.stringify({ cloud, ca_bundle_file: ca, ...more })
    writeFileSync(join(dir, `${appId}-connect.cfg`), config, { mode: 0o600 })
    writeFileSync(join(dir, 'device_id'), deviceId)
    return { dir, thingKey: `${deviceId}-${appId}` }
  }

  /** The arguments of a bare program. */
  bareArgs(thingKey: string): string[] {
    const { mqtts, ca, token } = this.cloud
    return ['localhost', String(mqtts), ca, thingKey, token]
  }

  /** Runs a script to its end and answers the JSON that it prints. */
  async run<T>(script: string, args: readonly string[]): Promise<T> {
    const { stdout } = await promisify(execFile)(this.#node, [...this.#optionsOf(script), script, ...args], {
      maxBuffer: 1 << 26,
    })
    return JSON.parse(stdout) as T
  }

  /** Starts a script and answers when it has printed `connected`, with the milliseconds that took. */
  async connect(script: string, args: readonly string[]): Promise<{ child: ChildProcess; ms: number }> {
    const startMs = performance.now()
    const child = spawn(this.#node, [...this.#optionsOf(script), script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#children.add(child)
    await new Promise<void>((connected, failed) => {
      createInterface({ input: child.stdout }).on('line', line => line === 'connected' && connected())
      child.once('exit', code => failed(new Error(`${script} ended with ${code}`)))
    })
    return { child, ms: performance.now() - startMs }
  }

  async stop(child: ChildProcess): Promise<void> {
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.removeAllListeners('exit')
    child.once('exit', () => this.#children.delete(child))
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await Promise.race([gone, ended])
  }
}
