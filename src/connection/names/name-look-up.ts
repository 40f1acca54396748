// SPDX-License-Identifier: Apache-2.0
import dns from 'node:dns'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../base/clock.ts'
import { throwIfAborted, waitFor } from '../../base/wait.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { runProgram } from '../../platform/process/program.ts'
import { systemText } from '../../platform/system/system-file.ts'
import { sortFamilies } from './family-order.ts'
import {
  addressesInHosts,
  type FoundAddress,
  foundAddress,
  hasOtherSources,
  isLocalhost,
  type ResolverRules,
  resolverRules,
} from './name-files.ts'
import { askNameServers, lookUpError } from './name-servers.ts'

/** Hosts files that block advertisements have a megabyte or two. */
const maxHostsBytes = 16 * 1024 * 1024
const maxGetentBytes = 64 * 1024
/** Longer than the C library takes with three silent servers; the caller has a shorter deadline. */
const getentTimeoutMs = 60_000
const loopback: readonly FoundAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * Resolves names as the C library does, but so that the caller can end a look-up: the hosts file, then the name servers and,
 * where the system has further sources of names, its own `getent`.
 */
export class NameLookUp {
  readonly #root: string
  readonly #clock: Clock
  readonly #servers: readonly string[] | undefined
  /** Settles with the last look-up on Node's thread pool. */
  #pool: Promise<unknown> = Promise.resolve()

  /** `root` (of `/etc`), `servers` and `clock` are for tests. */
  constructor(
    options: {
      readonly root?: string
      readonly servers?: readonly string[]
      readonly clock?: Clock
    } = {},
  ) {
    this.#root = options.root ?? '/'
    this.#servers = options.servers
    this.#clock = options.clock ?? systemClock
  }

  /**
   * The addresses of a name, those of the family with the better route first. All files are read at each call, because they
   * change with the network.
   *
   * @throws an error of the system, as `tcpFailure` takes it, or the abort reason of `signal`
   */
  async addressesOf(name: string, signal: AbortSignal): Promise<readonly FoundAddress[]> {
    const own = foundAddress(name)
    if (own !== undefined) return [own]
    const found = await this.#find(name, signal)
    throwIfAborted(signal)
    return sortFamilies(found)
  }

  async #find(name: string, signal: AbortSignal): Promise<readonly FoundAddress[]> {
    const written = addressesInHosts(await this.#hosts(), name)
    if (written.length > 0) return written
    if (isLocalhost(name)) return loopback
    const rules = resolverRules((await systemText(this.#root, 'etc/resolv.conf')) ?? '')
    const askServers = () => askNameServers(name, { rules, clock: this.#clock, signal, servers: this.#servers })
    if (!(await this.#needsSystem(rules))) return askServers()
    const answer = await this.#askGetent(name, signal)
    throwIfAborted(signal)
    if (answer === undefined) return this.#withoutGetent(name, signal, askServers)
    // getent does not distinguish a name without an address from silent servers.
    return answer.length > 0 ? answer : askServers()
  }

  async #hosts(): Promise<string> {
    return readBoundedText(join(this.#root, 'etc/hosts'), maxHostsBytes).catch(() => '')
  }

  async #needsSystem({ hasZone }: ResolverRules): Promise<boolean> {
    return hasZone || hasOtherSources((await systemText(this.#root, 'etc/nsswitch.conf')) ?? '')
  }

  /** The answer of the system's C library, from a process that the caller can end; undefined where there is no `getent`. */
  async #askGetent(name: string, signal: AbortSignal): Promise<readonly FoundAddress[] | undefined> {
    if (name.startsWith('-')) return []
    try {
      const { stdout } = await runProgram({
        file: 'getent',
        args: ['ahosts', name],
        environment: 'clean',
        timeoutMs: getentTimeoutMs,
        maxOutputBytes: maxGetentBytes,
        signal,
        clock: this.#clock,
      })
      const addresses = stdout.split('\n').map(line => line.split(/\s/, 1)[0] ?? '')
      return [...new Set(addresses)].flatMap(address => foundAddress(address) ?? [])
    } catch {
      return undefined
    }
  }

  async #withoutGetent(
    name: string,
    signal: AbortSignal,
    askServers: () => Promise<readonly FoundAddress[]>,
  ): Promise<readonly FoundAddress[]> {
    // mDNS answers or gives up within moments, and no name server knows such a name.
    if (/\.local\.?$/i.test(name)) return this.#onPool(name, signal)
    try {
      return await askServers()
    } catch (error) {
      throwIfAborted(signal)
      return this.#onPool(name, signal).catch(() => Promise.reject(error))
    }
  }

  /** By `getaddrinfo`, one look-up at a time: each occupies one of the four threads that file work needs, and cannot be cancelled. */
  #onPool(name: string, signal: AbortSignal): Promise<readonly FoundAddress[]> {
    return waitFor(signal, (resolve, reject) => {
      const turn = this.#pool.then(async () => {
        throwIfAborted(signal)
        const found = await dns.promises.lookup(name, { all: true })
        return found.flatMap(({ address }) => foundAddress(address) ?? [])
      })
      this.#pool = turn.catch(() => {})
      turn.then(found => (found.length > 0 ? resolve(found) : reject(lookUpError('ENOTFOUND', name))), reject)
      return undefined
    })
  }
}

/** The names of this system. */
export const systemNames = new NameLookUp()
