// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { AgentError } from '../base/errors.ts'
import { sleep } from '../base/wait.ts'
import { readBoundedText } from '../platform/files/read-file.ts'
import { createFile, removeFile, renameFile } from '../platform/files/write-file.ts'
import type { ConfigNote } from './settings.ts'
import { configError } from './values.ts'

/** Who this device and this application are for the cloud. */
export interface Identity {
  readonly deviceId: string
  /** Client id and user name of the login: `<deviceId>-<appId>`, or the device id alone when the app id is empty [TR50 1.2]. */
  readonly thingKey: string
  /** This call has made the device id. */
  readonly created: boolean
  readonly warnings: readonly ConfigNote[]
  /** Absolute path of the `device_id` file. */
  readonly path: string
}

export interface IdentityRequest {
  readonly configDir: string
  readonly appId: string
  /** Only tests use another clock. */
  readonly clock?: Clock
}

const maxThingKeyBytes = 64
const maxFileBytes = 4096

/**
 * The identity of the configuration folder. A missing or empty `device_id` gets a new UUID, the same one for all processes that
 * start at once.
 *
 * @throws AgentError `CONFIG_INVALID` (bad content, key too long, read-only folder), `DISK_FULL`
 */
export async function loadIdentity(request: IdentityRequest): Promise<Identity> {
  const path = resolve(request.configDir, 'device_id')
  const found = await readDeviceId(path)
  if (found) return identityOf(path, found, request.appId)
  const deviceId = await makeDeviceId(path, request.clock ?? systemClock)
  const identity = identityOf(path, deviceId, request.appId)
  const warnings = found === '' ? [emptyNote(path, deviceId), ...identity.warnings] : identity.warnings
  return { ...identity, warnings, created: true }
}

/** The identity that exists already, or undefined; makes nothing. Throws `CONFIG_INVALID`. */
export async function findIdentity(request: Omit<IdentityRequest, 'clock'>): Promise<Identity | undefined> {
  const path = resolve(request.configDir, 'device_id')
  const found = await readDeviceId(path)
  return found ? identityOf(path, found, request.appId) : undefined
}

function identityOf(path: string, deviceId: string, appId: string): Identity {
  check(path, deviceId)
  const thingKey = appId === '' ? deviceId : `${deviceId}-${appId}`
  checkThingKey(path, thingKey, deviceId)
  return { deviceId, thingKey, created: false, warnings: alphabetNotes(path, thingKey), path }
}

/** The id in the file; empty text for an empty file, undefined for none. */
async function readDeviceId(path: string): Promise<string | undefined> {
  try {
    return (await readBoundedText(path, maxFileBytes)).trim()
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    if (error.code === 'FILE_NOT_FOUND') return undefined
    const remedy = 'Make it a file that holds the device id and nothing else, readable by the user of the agent.'
    throw configError([{ file: path, problem: error.message, remedy }], error)
  }
}

const waitStepMs = 25
const maxWaitSteps = 80

/**
 * Makes the id so that all processes that try at once get the same one: the process that creates `device_id.new` renames it, and
 * the others wait for that. If that process ended in between, a process that has waited long enough finishes its work.
 */
async function makeDeviceId(path: string, clock: Clock): Promise<string> {
  const candidate = `${path}.new`
  const isMine = await inWritableFolder(path, () => createFile(candidate, `${randomUUID()}\n`, { mode: 0o644 }))
  if (isMine) {
    const meanwhile = await readDeviceId(path)
    if (meanwhile) await removeFile(candidate)
    else await inWritableFolder(path, () => renameFile(candidate, path))
  }
  for (let step = 0; step < maxWaitSteps; step++) {
    const made = await readDeviceId(path)
    if (made) return made
    await sleep(clock, waitStepMs)
  }
  const left = await readDeviceId(candidate)
  if (left === '') await removeFile(candidate)
  else if (left !== undefined) await renameFile(candidate, path).catch(ignoreNotFound)
  return (await readDeviceId(path)) || makeDeviceId(path, clock)
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof AgentError) || error.code !== 'FILE_NOT_FOUND') throw error
}

async function inWritableFolder<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'DISK_FULL') throw error
    const remedy = 'Write a device id into that file yourself, or name a writable folder with -c.'
    const problem = `the file is missing or empty, and cannot be made: ${error.message}`
    throw configError([{ file: path, problem, remedy }], error)
  }
}

function check(path: string, deviceId: string): void {
  // The id becomes the MQTT user name and part of topics in the cloud; a file of several lines holds something else.
  if (/^[^\s\p{C}/#+\ufffd]+$/u.test(deviceId)) return
  const problem = 'holds a text that cannot be a device id'
  const expected = 'one line of letters, digits, "_" and "-"'
  throw configError([
    { file: path, line: 1, problem, expected, remedy: `Write ${expected}, or remove the file to get a new id.` },
  ])
}

function checkThingKey(path: string, thingKey: string, deviceId: string): void {
  const bytes = Buffer.byteLength(thingKey)
  if (bytes <= maxThingKeyBytes) return
  const room = maxThingKeyBytes - Buffer.byteLength(deviceId) - 1
  const remedy =
    room > 0 ? `Use an app id (-i) of at most ${room} bytes, or a shorter device id.` : 'Use a shorter device id.'
  const problem = `the thing key "${thingKey}" has ${bytes} bytes, and the cloud takes ${maxThingKeyBytes}`
  throw configError([{ file: path, problem, expected: `at most ${maxThingKeyBytes} bytes`, remedy }])
}

function emptyNote(path: string, deviceId: string): ConfigNote {
  const problem = `was empty; the device has the new id ${deviceId} and is a new thing in the cloud`
  return { level: 'warn', file: path, problem, remedy: 'If you know the old id, write it there and start again.' }
}

function alphabetNotes(path: string, thingKey: string): readonly ConfigNote[] {
  if (/^[\w-]+$/.test(thingKey)) return []
  const problem = `the thing key "${thingKey}" has characters other than letters, digits, "_" and "-"`
  return [{ level: 'warn', file: path, problem, remedy: 'If the cloud refuses the login, choose another id.' }]
}
