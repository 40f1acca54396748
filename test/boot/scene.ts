// SPDX-License-Identifier: Apache-2.0
/** A fleet of one: the local cloud outside, and a device that is emulated as a whole. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { MissingTool } from '../../build/build-error.ts'
import { findProgram, runProgram } from '../../build/run-program.ts'
import type { TargetName } from '../../build/target.ts'
import { embeddedRoots } from '../../src/connection/tls/embedded-roots.ts'
import { executableOf, type Startable } from '../helpers/executable.ts'
import { type LocalCloud, type Said, startCloud } from '../helpers/local-cloud.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { debianFiles } from './debian-packages.ts'
import { agentOnDisk, type Image, makeDataDisk, makeImage } from './image.ts'
import { type EmulatedMachine, switchOn } from './machine.ts'
import { bootCache, type MachineKind, machineKinds } from './machines.ts'
import { busyboxUserland, type Userland } from './userland.ts'

/** An emulated device on a busy machine may be slow. */
export const timeoutMs = 120_000

/** The next login of the device after what was said as number `since`. */
export function login(cloud: LocalCloud, thingKey: string, since = 0): Promise<Said> {
  return cloud.heard({ kind: 'event', topic: 'login', thingKey, since }, undefined, { timeoutMs })
}

export class BootScene {
  readonly cloud: LocalCloud
  readonly #kind: MachineKind
  readonly #image: Image
  /** The executable. */
  readonly agent: string
  readonly #isReplaceable: boolean

  constructor(cloud: LocalCloud, kind: MachineKind, image: Image, agent: string, isReplaceable: boolean) {
    this.cloud = cloud
    this.#kind = kind
    this.#image = image
    this.agent = agent
    this.#isReplaceable = isReplaceable
  }

  /** Switches on a new device that knows its cloud and nothing else. Its thing key: `NAME-device_manager`. */
  async switchOn(t: TestContext, name: string, memoryMb: number): Promise<EmulatedMachine> {
    return this.switchOnWith(t, await this.newDisk(t, name), memoryMb)
  }

  /** The disk of a new device: what it keeps. */
  async newDisk(t: TestContext, name: string): Promise<string> {
    const folder = tempDir(t)
    const content = join(folder, 'data')
    this.#writeConfiguration(content, name)
    if (this.#isReplaceable) {
      mkdirSync(join(content, 'bin'))
      copyFileSync(this.agent, join(content, 'bin', basename(agentOnDisk)))
    }
    return await makeDataDisk(content, join(folder, 'data.ext4'), this.#isReplaceable ? 400 : 48)
  }

  /** Switches on the device with that disk, for the first time or again. */
  switchOnWith(t: TestContext, dataDisk: string, memoryMb: number): EmulatedMachine {
    return switchOn(t, { kind: this.#kind, image: this.#image, dataDisk, memoryMb })
  }

  /** What `config generate` and an administrator leave in /etc/device-cloud. */
  #writeConfiguration(content: string, name: string): void {
    mkdirSync(join(content, 'etc'), { recursive: true, mode: 0o750 })
    mkdirSync(join(content, 'state'), { mode: 0o750 })
    const write = (file: string, text: string) => writeFileSync(join(content, 'etc', file), text, { mode: 0o600 })
    const { mqtts, https, token, ca } = this.cloud
    const host = 'localhost'
    const cloud = { host, port: mqtts, token, transport: 'mqtts', file_xfer_host: host, file_xfer_port: https }
    // With the public certificates, as a device has them that names no bundle: they cost memory.
    write('ca.pem', embeddedRoots() + readFileSync(ca, 'utf8'))
    write('device_id', name)
    write('iot-connect.cfg', JSON.stringify({ cloud, ca_bundle_file: '/etc/device-cloud/ca.pem', qos_level: 1 }))
    const actions_enabled = { reboot_device: true, shutdown_device: true, reset_agent: true, file_transfers: true }
    write('iot.cfg', JSON.stringify({ runtime_dir: '/var/lib/device-cloud', log_level: 'INFO', actions_enabled }))
  }
}

export interface BootOptions {
  readonly userland?: Userland
  /** The executable is not in the read-only root, so that an update can replace it. */
  readonly isReplaceable?: boolean
}

/** Builds executable and image of a target, and starts a cloud; undefined, and the test skipped, when a program is missing. */
export async function bootScene(
  t: TestContext,
  name: TargetName,
  { userland = busyboxUserland, isReplaceable = false }: BootOptions = {},
): Promise<BootScene | undefined> {
  const kind = machineKinds[name]
  const missing = missingTool(name, kind)
  if (missing !== undefined) {
    t.skip(missing.message)
    return undefined
  }
  const built = await executableOf(t, name)
  if (built === undefined) return undefined
  const report = (line: string) => t.diagnostic(line)
  const debian = await debianFiles(kind.kernel, bootCache, report)
  const installService = (folder: string) => installInto(folder, built)
  const parts = { kind, debian, userland, executable: built.path, isReplaceable, installService, report }
  const image = await makeImage(parts, tempDir(t))
  return new BootScene(await startCloud(t), kind, image, built.path, isReplaceable)
}

/** As the builder of an image does it. */
async function installInto(folder: string, { program, args }: Startable): Promise<void> {
  await runProgram(program, [...args, 'service', 'install', '--root', folder], { env: {} })
}

function missingTool(name: TargetName, { emulator }: MachineKind): MissingTool | undefined {
  const tools = [
    [emulator.program, emulator.debianPackage],
    ['apt-get', 'apt'],
    ['dpkg', 'dpkg'],
    ['busybox', 'busybox-static'],
    ['mksquashfs', 'squashfs-tools'],
    ['mke2fs', 'e2fsprogs'],
  ] as const
  const found = tools.find(([program]) => findProgram(program) === undefined)
  return found === undefined ? undefined : new MissingTool(name, found[0], [found[1]])
}
