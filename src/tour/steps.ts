// SPDX-License-Identifier: Apache-2.0
/** The steps of the tour: what an operator does first with a new device. */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { thingKey } from './device.ts'
import type { Operator, Progress } from './operator.ts'
import { dim, green, heading, megabytes, progressBar, say, table } from './screen.ts'

interface Thing {
  readonly attrs?: Record<string, { value: string }>
  readonly properties?: Record<string, { value: number }>
}

const timeoutMs = 60_000
const pollMs = 200
const fileBytes = 24 * 1024 * 1024

/** Calls `probe` repeatedly until it returns a value; throws after {@link timeoutMs}. */
async function until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > giveUpAt) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain.`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

async function findThing(operator: Operator, ready: (thing: Thing) => boolean): Promise<Thing | undefined> {
  const answer = await operator.ask('thing.find', { key: thingKey })
  const thing = answer.success ? (answer.params as Thing) : undefined
  return thing !== undefined && ready(thing) ? thing : undefined
}

export async function showAttributes(operator: Operator): Promise<void> {
  heading('Attributes of this machine, as the cloud has them')
  const published = (thing: Thing) => thing.attrs?.os_name !== undefined && thing.attrs?.site !== undefined
  const thing = await until('the attributes to arrive', () => findThing(operator, published))
  table(Object.entries(thing.attrs ?? {}).map(([name, { value }]) => [name, String(value)] as const))
}

export async function showHealth(operator: Operator): Promise<void> {
  heading('Health samples, one set every 5 s')
  const sampled = (thing: Thing) => Object.keys(thing.properties ?? {}).length > 0
  const thing = await until('health samples to arrive', () => findThing(operator, sampled))
  table(Object.entries(thing.properties ?? {}).map(([name, { value }]) => [name, String(value)] as const))
}

export async function ping(operator: Operator): Promise<void> {
  heading('An action: ping')
  const startMs = performance.now()
  const answer = await operator.run(thingKey, 'ping')
  say(
    `  ${green('✓')} ${String(answer.response)} in ${(performance.now() - startMs).toFixed(1)} ms ${dim('(operator → cloud → device and back)')}`,
  )
}

export async function sendFile(operator: Operator, runtimeDir: string): Promise<void> {
  heading('A file to the device')
  const content = randomBytes(fileBytes)
  await operator.putFile(thingKey, 'tour.bin', content, progressBar('you → cloud   '))
  const startMs = performance.now()
  const action = operator.run(thingKey, 'file_download', { file_name: 'tour.bin' })
  await watchTransfer(operator, 'bytesOut', progressBar('cloud → device'), action)
  const arrived = readFileSync(join(runtimeDir, 'download', 'tour.bin'))
  if (sha256(arrived) !== sha256(content)) throw new Error('The file on the device differs from the one that was sent.')
  const took = Math.round(performance.now() - startMs)
  say(`  ${green('✓')} ${megabytes(arrived.length)} on the device in ${took} ms, SHA-256 equal`)
}

export async function fetchFile(operator: Operator, runtimeDir: string): Promise<void> {
  heading('A file from the device')
  const startMs = performance.now()
  const path = join(runtimeDir, 'download', 'tour.bin')
  const action = operator.run(thingKey, 'file_upload', { file_path: path, file_name: 'from-device.bin' })
  await watchTransfer(operator, 'bytesIn', progressBar('device → cloud'), action)
  const stored = (await operator.listFiles(thingKey)).find(file => file.fileName === 'from-device.bin')
  if (stored?.length !== fileBytes) throw new Error('The file from the device is incomplete.')
  const took = Math.round(performance.now() - startMs)
  say(`  ${green('✓')} ${stored.fileName}, ${megabytes(stored.length)}, in ${took} ms`)
}

/** Shows how many bytes the cloud has transferred for an action, until the action has ended. */
async function watchTransfer(
  operator: Operator,
  direction: 'bytesIn' | 'bytesOut',
  bar: Progress,
  action: Promise<unknown>,
): Promise<void> {
  const before = new Set((await operator.connections()).map(({ id }) => id))
  let running = true
  const done = action.finally(() => {
    running = false
  })
  while (running) {
    const moved = (await operator.connections()).filter(({ id }) => !before.has(id)).map(one => one[direction])
    // The connection carries a little more than the file: TLS and HTTP.
    if (running) bar(Math.min(Math.max(0, ...moved), fileBytes - 1), fileBytes)
    await Promise.race([done, new Promise(resolve => setTimeout(resolve, 50))])
  }
  await done
  bar(fileBytes, fileBytes)
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
