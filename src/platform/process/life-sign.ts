import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, link, rename, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { errnoOf } from '../../base/errors.ts'
import { fileFacts } from '../files/file-facts.ts'
import { hasNoLinks } from '../files/put-in-place.ts'
import { readLink } from '../files/read-link.ts'
import { makeLockFile, readLockFile } from './lock-file.ts'
import { nearAddress, socketState } from './socket-answer.ts'

/**
 * That a process lives, for those who cannot see it in their /proc: the processes of a container do not see those of the
 * next one. It is a socket beside a lock: the kernel closes it with the process, and tells everybody who shares the folder
 * whether somebody listens, also while that process stands still.
 */
export interface LifeSign {
  /** Ends it, and removes what is at `place`. */
  end(place: string): void
}

/**
 * `unknown`: there is none, so that only /proc can tell. `elsewhere`: whoever made it is in other namespaces, on a file
 * system that holds no sockets, and nobody here can tell.
 */
export type Life = 'alive' | 'dead' | 'unknown' | 'elsewhere'

/** What stands in the place of the socket where the file system holds none: `NAME PID-NAMESPACE NETWORK-NAMESPACE`. */
interface Note {
  /** Of a socket without a file, which all of one network namespace see; undefined: not even that could be made. */
  readonly name: string | undefined
  readonly pidSpace: string
  readonly netSpace: string
}

const maxTries = 4
const nothing = '-'
/** Filled up to the length of an address: shorter ones Node 20 and later ones give different ends. */
const abstractBytes = 107

/** Makes a life sign at `place`; `taken` when another one lives there. Never fails: without any, /proc tells what it can. */
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

/** What the life sign at `place` says. */
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
    // A disk that takes nothing: the lock itself says so.
  }
  return signOf(listener)
}

/** Gives the socket at `aside` the name `place`, unless one that lives has it. */
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

/** Whoever connects has seen enough. It keeps no process from ending. */
function silentListener(): Server {
  const listener = createServer(socket => socket.on('error', () => {}).destroy())
  return listener.unref()
}

function listen(listener: Server, path: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    // The workers of a cluster would else share one listener, which lives as long as any of them.
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
