// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { root } from '../../build/places.ts'
import { eventually } from './eventually.ts'
import { fromSource } from './from-source.ts'
import type { LocalCloud } from './local-cloud.ts'
import { agentScript } from './program.ts'
import { tempDir } from './temp-dir.ts'

export const deviceToken = 'Device-Token-0815'

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

/** A command line of device-cloud that runs in a process of its own. */
export class RunningCommand {
  readonly child: ChildProcess
  /** The end of the process itself; one that it started may still hold its output open. */
  readonly ended: Promise<Ended>
  /** The end of its output as well. */
  readonly closed: Promise<unknown>
  #out = ''
  #err = ''

  /**
   * @param o.stderr a file that takes its standard error; it is then not in {@link err}
   * @param o.script another program of the checkout with the command line of a command
   * @param o.environment variables besides those of the test
   */
  constructor(
    words: readonly string[],
    cwd: string,
    {
      stderr = 'pipe',
      script,
      environment = {},
    }: {
      readonly stderr?: 'pipe' | number
      readonly script?: string
      readonly environment?: Readonly<Record<string, string>>
    } = {},
  ) {
    const program = script === undefined ? [agentScript()] : [...fromSource, join(root, script)]
    this.child = spawn(process.execPath, [...program, ...words], {
      cwd,
      stdio: ['ignore', 'pipe', stderr],
      // Whatever the machine of the test has in /etc/device-cloud is not meant.
      env: {
        ...process.env,
        DEVICE_CLOUD_CONFIG_DIR: cwd,
        ...environment,
        NODE_NO_WARNINGS: '1',
        NODE_OPTIONS: '',
      },
    })
    this.child.stdout?.on('data', chunk => {
      this.#out += String(chunk)
    })
    this.child.stderr?.on('data', chunk => {
      this.#err += String(chunk)
    })
    this.ended = new Promise(resolve => this.child.once('exit', (code, signal) => resolve({ code, signal })))
    this.closed = new Promise(resolve => this.child.once('close', resolve))
  }

  get out(): string {
    return this.#out
  }

  get err(): string {
    return this.#err
  }

  /** Waits until stderr has something like `pattern`. */
  async says(pattern: RegExp): Promise<void> {
    const ended = { is: false }
    void this.ended.then(() => {
      ended.is = true
    })
    await eventually(`${pattern} on stderr`, () => {
      if (pattern.test(this.#err)) return true
      if (ended.is) throw new Error(`it ended before it said ${pattern}: ${this.#err}`)
      return false
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

export interface DeviceOptions {
  /** More members of iot.cfg. */
  readonly manager?: object
  /** More members of the connection file. */
  readonly connection?: object
}

/** A folder as a device of the Python agent has it, on its way to a local cloud. */
export class ManagedDevice {
  readonly folder: string
  readonly deviceId: string
  readonly #commands: RunningCommand[] = []

  constructor(folder: string, deviceId: string) {
    this.folder = folder
    this.deviceId = deviceId
  }

  /** The name of the fleets that come from the Python agent. */
  get thingKey(): string {
    return `${this.deviceId}-device_manager_py`
  }

  get runtime(): string {
    return join(this.folder, 'runtime')
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  write(name: string, content: string | object): string {
    const path = this.path(name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2), { mode: 0o600 })
    return path
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  /** The files of upload and download in the runtime folder. */
  files(): readonly string[] {
    return ['upload', 'download'].flatMap(name => readdirSync(this.path('runtime', name)).sort())
  }

  /** Starts a command in the device's folder. */
  begin(...words: readonly string[]): RunningCommand {
    const command = new RunningCommand(words, this.folder)
    this.#commands.push(command)
    return command
  }

  /** Runs a command to its end, in the device's folder. */
  async run(...words: readonly string[]): Promise<Ended & { out: string; err: string }> {
    return this.runWith({}, ...words)
  }

  /** As {@link run}, with more variables in its environment. */
  async runWith(
    environment: Readonly<Record<string, string>>,
    ...words: readonly string[]
  ): Promise<Ended & { out: string; err: string }> {
    const command = new RunningCommand(words, this.folder, { environment })
    this.#commands.push(command)
    await command.closed
    return { ...(await command.ended), out: command.out, err: command.err }
  }

  /** The process that runs the manager now; undefined while none answers. */
  async managerPid(): Promise<number | undefined> {
    const { out } = await this.run('status', '--json')
    return out === '' ? undefined : JSON.parse(out).pid
  }

  /** Starts the manager as a fleet that migrates does, and waits until it runs. */
  async start(...words: readonly string[]): Promise<RunningCommand> {
    const command = this.begin('manager', '-i', 'device_manager_py', ...words)
    await command.says(/device manager runs/)
    return command
  }

  /** Ends whatever still runs; where Node cannot replace a process, a restarted manager is another one than was started. */
  async stop(): Promise<void> {
    for (const pid of processesIn(this.folder)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has just ended by itself.
      }
    }
    for (const { child } of this.#commands)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await Promise.all(this.#commands.map(command => command.ended))
  }
}

/** The processes that were started in a folder, also when it is gone by now. */
function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return []
    try {
      const place = readlinkSync(`/proc/${name}/cwd`)
      return place === folder || place === `${folder} (deleted)` ? [Number(name)] : []
    } catch {
      // It has ended meanwhile, or belongs to another user.
      return []
    }
  })
}

/** Writes the files of a device of the Python agent for `cloud`; the device goes with the test. */
export function makeDevice(t: TestContext, cloud: LocalCloud, options: DeviceOptions = {}): ManagedDevice {
  const device = new ManagedDevice(realpathSync(tempDir(t)), `pump-${Math.floor(Math.random() * 1e9)}`)
  t.after(() => device.stop())
  device.write('device_id', device.deviceId)
  device.write('iot-connect.cfg', {
    cloud: {
      host: 'localhost',
      port: cloud.mqtts,
      token: cloud.token,
      transport: 'mqtts',
      file_xfer_host: 'localhost',
      file_xfer_port: String(cloud.https),
    },
    validate_cloud_cert: 'true',
    ca_bundle_file: cloud.ca,
    qos_level: 1,
    keep_alive: 0,
    loop_time: 1,
    thread_count: 3,
    ...options.connection,
  })
  device.write('iot.cfg', {
    runtime_dir: 'runtime',
    log_level: 'INFO',
    actions_enabled: {
      shutdown_device: false,
      reboot_device: false,
      reset_agent: true,
      file_transfers: true,
      software_update: true,
      decommission_device: true,
      remote_login: true,
    },
    wait_for_file_transfer: true,
    download_timeout: 30,
    thing_friendly_name: 'Pump 7',
    upload_remove_on_success: true,
    upload_tar_file: true,
    remote_access_support: [{ name: 'HTTPS', port: String(cloud.https), session_timeout: '60' }],
    ...options.manager,
  })
  device.write('attributes.cfg', { publish_attribute: { site: 'Hall 3', hdc_version: 'forged' } })
  return device
}
