// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, link, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { errnoOf } from '../../base/errors.ts'
import { fileFacts } from '../files/file-facts.ts'
import { readLink } from '../files/links.ts'
import { hasNoLinks } from '../files/put-in-place.ts'
import { makeLockFile, readLockFile } from './lock-file.ts'
import { nearAddress, socketState } from './socket-answer.ts'

/**
 * Shows that a process lives to processes that cannot see it in their /proc: those of one container do not see those of another.
 * It is a socket beside a lock: the kernel closes it with the process, and answers every process that shares the folder whether a
 * process listens there, also while that process is stalled.
 */
export interface LifeSign {
  /** Ends it, and removes what is at `place`. */
  end(place: string): void
}

/**
 * `unknown`: there is no life sign, so that only /proc can show it. `elsewhere`: its process is in other namespaces, on a file system
 * that holds no sockets, so that it cannot be seen from here.
 */
export type Life = 'alive' | 'dead' | 'unknown' | 'elsewhere'

/** A file that replaces the socket where the file system holds none: `NAME PID-NAMESPACE NETWORK-NAMESPACE`. */
interface Note {
  /** Of an abstract socket, which every process of the network namespace sees; undefined when that could not be made either. */
  readonly name: string | undefined
  readonly pidSpace: string
  readonly netSpace: string
}

const maxTries = 4
const nothing = '-'
/** Padded to the full length of an address: Node 20 and later versions end shorter ones differently. */
const abstractBytes = 107

/** Makes a life sign at `place`; `taken` when another process has one there. Never fails: without a life sign, /proc shows what it can. */
export async function giveLifeSign(place: string): Promise<LifeSign | 'taken'> {
  const listener = silentListener()
  const aside = `${place}.${randomBytes(6).toString('hex')}`
  try {
    await nearAddress(aside, address => listen(listener, address))
    await chmod(aside, 0o600)
    if (await put(aside, place)) return signOf(listener)
    listener.close()
    return 'taken'
  } catch {
    listener.close()
  } finally {
    await rm(aside, { force: true }).catch(() => {})
  }
  return await giveNote(place)
}

/** The state that the life sign at `place` shows. */
export async function lifeAt(place: string): Promise<Life> {
  const facts = await fileFacts(place, { followLinks: false }).catch(() => undefined)
  if (facts === undefined) return 'unknown'
  if (facts.kind !== 'file') return await nearAddress(place, socketState).catch(() => 'unknown' as const)
  const [text, own] = await Promise.all([readLockFile(place).catch(() => undefined), ownSpaces()])
  const note = text === undefined ? undefined : parseNote(text)
  if (note === undefined) return 'unknown'
  const state = note.name === undefined ? 'unknown' : await socketState(abstractAddress(note.name))
  if (state === 'alive') return 'alive'
  if (note.netSpace === own.netSpace && state === 'dead') return 'dead'
  return note.pidSpace === own.pidSpace ? 'unknown' : 'elsewhere'
}

async function giveNote(place: string): Promise<LifeSign | 'taken'> {
  const listener = silentListener()
  const name = randomBytes(16).toString('hex')
  const isListening = await listen(listener, abstractAddress(name)).then(
    () => true,
    () => false,
  )
  const { pidSpace, netSpace } = await ownSpaces()
  const line = `${isListening ? name : nothing} ${pidSpace} ${netSpace}\n`
  try {
    for (let tries = 0; tries < maxTries; tries++) {
      if (await makeLockFile(place, line)) return signOf(listener)
      if ((await lifeAt(place)) === 'alive') {
        listener.close()
        return 'taken'
      }
      await rm(place, { force: true })
    }
  } catch {
    // On a full or failing disk the lock itself fails with the reason.
  }
  return signOf(listener)
}

/** Gives the socket at `aside` the name `place`, unless a process that lives has it. */
async function put(aside: string, place: string): Promise<boolean> {
  for (let tries = 0; tries < maxTries; tries++) {
    try {
      await link(aside, place)
      return true
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' && !hasNoLinks(error)) throw error
      if ((await lifeAt(place)) === 'alive') return false
      if (errnoOf(error) === 'EEXIST') await rm(place, { force: true })
      else {
        await rename(aside, place)
        return true
      }
    }
  }
  return false
}

function signOf(listener: Server): LifeSign {
  return {
    end(place) {
      listener.close()
      try {
        rmSync(place, { force: true })
      } catch {
        // The next holder removes it.
      }
    },
  }
}

/** A connection is the whole answer, so it is closed at once. The listener does not keep the process alive. */
function silentListener(): Server {
  const listener = createServer(socket => socket.on('error', () => {}).destroy())
  return listener.unref()
}

function listen(listener: Server, path: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    // Otherwise the workers of a cluster would share one listener, which lives as long as any of them.
    listener.listen({ path, exclusive: true }, () => {
      listener.off('error', reject)
      listener.on('error', () => {})
      resolve()
    })
  })
}

function abstractAddress(name: string): string {
  return `\0${`device-cloud-${name}`.padEnd(abstractBytes, '.')}`
}

function parseNote(text: string): Note | undefined {
  const [, name, pidSpace, netSpace] = /^(-|[0-9a-f]{32}) (\S+) (\S+)\n$/.exec(text) ?? []
  if (pidSpace === undefined || netSpace === undefined) return undefined
  return { name: name === nothing ? undefined : name, pidSpace, netSpace }
}

/** The namespaces of this process; `-` where the system does not say. */
async function ownSpaces(): Promise<{ pidSpace: string; netSpace: string }> {
  const [pidSpace = nothing, netSpace = nothing] = await Promise.all(
    ['pid', 'net'].map(kind => readLink(`/proc/self/ns/${kind}`).catch(() => undefined)),
  )
  return { pidSpace, netSpace }
}
