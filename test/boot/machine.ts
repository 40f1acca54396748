// SPDX-License-Identifier: Apache-2.0
/** One emulated device: its power switch, its serial port, and what came out of it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import type { Image } from './image.ts'
import type { MachineKind } from './machines.ts'

export interface MachineOptions {
  readonly kind: MachineKind
  readonly image: Image
  readonly dataDisk: string
  readonly memoryMb: number
}

export class EmulatedMachine {
  /** The end of the machine: it was switched off. */
  readonly ended: Promise<number | null>
  readonly #process: ChildProcessWithoutNullStreams
  readonly #listeners = new Set<() => void>()
  #said = ''
  #isOff = false

  constructor({ kind, image, dataDisk, memoryMb }: MachineOptions) {
    const disk = (path: string, name: string, more = '') => [
      ...['-drive', `file=${path},format=raw,if=none,id=${name}${more}`],
      ...['-device', `virtio-blk-${kind.virtio},drive=${name},serial=${name}`],
    ]
    const { program, args } = kind.emulator
    this.#process = spawn(program, [
      ...args,
      ...['-accel', 'tcg', '-smp', '1', '-m', `${memoryMb}M`, '-nodefaults', '-no-user-config', '-display', 'none'],
      ...['-serial', 'stdio', '-kernel', image.kernel, '-initrd', image.firstRoot],
      ...['-append', `console=${kind.console} quiet loglevel=3 panic=-1`],
      ...disk(image.root, 'root', ',readonly=on'),
      ...disk(dataDisk, 'data'),
      ...['-netdev', 'user,id=net', '-device', `virtio-net-${kind.virtio},netdev=net`],
      ...['-device', `virtio-rng-${kind.virtio}`],
    ])
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream.on('data', (part: Buffer) => {
        this.#said += part.toString('latin1')
        this.#look()
      })
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject)
      this.#process.once('close', code => {
        this.#isOff = true
        resolve(code)
        this.#look()
      })
    })
  }

  /** Everything that the serial port said, carriage returns removed. */
  get said(): string {
    return this.#said.replaceAll('\r', '')
  }

  /** Waits until the serial port has said `pattern` (global: that `times` times). */
  async until(pattern: RegExp, o: { times?: number; timeoutMs?: number } = {}): Promise<RegExpMatchArray> {
    const { times = 1, timeoutMs = 90_000 } = o
    const all = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
    return await new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        act()
      }
      const fail = (why: string) =>
        end(() => reject(new Error(`${why} before the machine said ${pattern}: ${this.said.slice(-4000)}`)))
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs)
      const look = () => {
        const match = [...this.said.matchAll(all)][times - 1]
        if (match !== undefined) end(() => resolve(match))
        else if (this.#isOff) fail('it was switched off')
      }
      this.#listeners.add(look)
      look()
    })
  }

  /** Runs one line of shell on the device; resolves to its output, and fails when it ends with another code than 0. */
  async run(line: string, timeoutMs = 60_000): Promise<string> {
    const times = [...this.said.matchAll(/^\]\] \d+$/gm)].length + 1
    this.#process.stdin.write(`${line}\n`)
    const end = await this.until(/^\[\[\n([\s\S]*?)^\]\] (\d+)$/m, { times, timeoutMs })
    if (end[2] !== '0') throw new Error(`"${line}" ended with ${end[2]} on the device: ${end[1]}`)
    return (end[1] ?? '').trim()
  }

  /** Pulls the plug. */
  async pullPlug(): Promise<void> {
    if (!this.#isOff) this.#process.kill('SIGKILL')
    await this.ended.catch(() => undefined)
  }

  #look(): void {
    for (const look of [...this.#listeners]) look()
  }
}

/** Switches a machine on; it is off when the test ends. */
export function switchOn(t: TestContext, options: MachineOptions): EmulatedMachine {
  const machine = new EmulatedMachine(options)
  t.after(() => machine.pullPlug())
  return machine
}
