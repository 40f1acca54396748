// SPDX-License-Identifier: Apache-2.0
import dns from 'node:dns'
import type { Clock, Timer } from '../../base/clock.ts'
import { errnoOf, messageOf } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'
import { type FoundAddress, foundAddress, type ResolverRules, searchedNames } from './name-files.ts'

export interface NameServerOptions {
  readonly rules: ResolverRules
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Instead of those of resolv.conf, for tests. */
  readonly servers?: readonly string[] | undefined
}

/** How long the addresses of one family wait for those of the other. A server that drops queries for IPv6 costs no more than this. */
const otherFamilyMs = 2000

/** Answers that say "there is none", unlike no answer. */
const nothing = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME'])
/** The server answered that it will not or cannot resolve the name. */
const failed = new Set(['ESERVFAIL', 'EREFUSED', 'ENOTIMP', 'EFORMERR', 'EBADRESP'])

/**
 * The addresses of a name, from the name servers of resolv.conf with its search list. c-ares asks over sockets of its own, so
 * that `signal` can end it: `getaddrinfo` cannot be cancelled, keeps the process alive while the servers are silent, and occupies
 * one of the four threads that file work needs.
 *
 * @throws an error of the system: `ENOTFOUND` when the servers say so, `EAI_AGAIN` when none answers, `EAI_FAIL` when they answer with a failure
 */
export async function askNameServers(name: string, options: NameServerOptions): Promise<readonly FoundAddress[]> {
  let failure: unknown
  for (const candidate of searchedNames(name, options.rules)) {
    try {
      const answer = await askInTurn(candidate, options)
      if (answer.length > 0) return answer
    } catch (error) {
      // Servers that refuse one name of the search list may know the next one.
      if (errnoOf(error) !== 'EAI_FAIL') throw error
      failure ??= error
    }
  }
  throw failure ?? lookUpError('ENOTFOUND', name)
}

/** The addresses of exactly this name. c-ares asks the next server after silence only; the C library does so after "failed" and "refused", too. */
async function askInTurn(name: string, options: NameServerOptions): Promise<readonly FoundAddress[]> {
  let failure: unknown
  let next: readonly string[] | undefined
  do {
    try {
      return await askFor(name, next === undefined ? options : { ...options, servers: next })
    } catch (error) {
      if (errnoOf(error) !== 'EAI_FAIL') throw error
      failure ??= error
    }
    next = (next ?? options.servers ?? new dns.promises.Resolver().getServers()).slice(1)
  } while (next.length > 0)
  throw failure
}

/** The addresses in one answer; an empty list when it has none. */
function askFor(name: string, { rules, clock, signal, servers }: NameServerOptions): Promise<readonly FoundAddress[]> {
  return waitFor(signal, (resolve, reject) => {
    // A new resolver reads resolv.conf again, which changes with every lease, and has no cache.
    const resolver = new dns.promises.Resolver({ timeout: rules.timeoutMs, tries: rules.attempts })
    if (servers !== undefined) resolver.setServers(servers)
    const found: FoundAddress[] = []
    let failure: unknown
    let pending = 2
    let timer: Timer | undefined
    const end = () => (found.length > 0 || failure === undefined ? resolve(found) : reject(failure))
    const settled = () => {
      pending--
      if (pending === 0) end()
      else if (found.length > 0) timer = clock.timer(otherFamilyMs, end)
    }
    const ask = (asked: Promise<readonly string[]>) =>
      asked.then(
        addresses => {
          found.push(...addresses.flatMap(address => foundAddress(address) ?? []))
          settled()
        },
        (error: unknown) => {
          failure ??= failureOf(name, error)
          settled()
        },
      )
    void ask(resolver.resolve6(name))
    void ask(resolver.resolve4(name))
    return () => {
      timer?.cancel()
      resolver.cancel()
    }
  })
}

/** The failure of a name server; undefined when it answered that there is no address. */
function failureOf(name: string, error: unknown): Error | undefined {
  const code = errnoOf(error) ?? ''
  if (nothing.has(code)) return undefined
  return lookUpError(failed.has(code) ? 'EAI_FAIL' : 'EAI_AGAIN', name, messageOf(error))
}

/** A failed look-up, shaped as `getaddrinfo` reports it. */
export function lookUpError(code: 'ENOTFOUND' | 'EAI_AGAIN' | 'EAI_FAIL', hostname: string, why?: string): Error {
  const text = `look-up ${code} ${hostname}${why === undefined ? '' : ` (${why})`}`
  return Object.assign(new Error(text), { code, hostname })
}
