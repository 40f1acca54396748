// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { sleep } from '../../base/wait.ts'
import { startServer } from '../../platform/process/connection-server.ts'
import { type SessionServer, startSessionServer } from '../../platform/process/session-server.ts'
import { relayTimes } from './limits.ts'
import { connectLocal, type LocalEnd, type OpenLocalEnd } from './local-end.ts'
import type { RelayTarget } from './policy.ts'

/** The local service of a session. */
export interface LocalService {
  readonly open: OpenLocalEnd
  /** Ends the program that was started for the session. */
  end(): void
}

const portWord = '{port}'

/**
 * The service of a session: a server that listens on this device; or a program that is started for each connection, as inetd
 * does; or, when its command contains `{port}`, a program that is started with the first connection and listens on a free
 * port of 127.0.0.1 until the session ends.
 */
export function localService(target: RelayTarget, tools: { readonly clock: Clock; readonly log: Log }): LocalService {
  const { hosts, port, service } = target
  const { clock, log } = tools
  if (service?.command === undefined) return { open: signal => connectLocal(clock, hosts, port, signal), end: () => {} }
  const { command, user } = service
  if (!command.some(arg => arg.includes(portWord)))
    return { open: () => serveConnection(command, user, log), end: () => {} }
  let starting: Promise<{ port: number; server: SessionServer }> | undefined
  return {
    open: async signal => {
      starting ??= startListening(command, user, log)
      const started = await starting
      return untilItListens(clock, started.port, signal)
    },
    end: () => {
      starting?.then(
        ({ server }) => server.stop(),
        () => {},
      )
    },
  }
}

async function serveConnection(command: readonly string[], user: string | undefined, log: Log): Promise<LocalEnd> {
  const server = await startServer(command, user)
  const about = { program: command[0], pid: server.pid, user }
  log.debug('service started for a connection', about)
  void server.ended.then(({ exitCode, signal, complaint }) => {
    const fields = { ...about, exitCode, signal, complaint }
    if (exitCode === 0 || complaint === '') log.debug('service of a connection ended', fields)
    else log.warn('service of a connection ended with an error', fields)
  })
  return { readable: server.connection, writable: server.connection, destroy: () => server.stop() }
}

async function startListening(command: readonly string[], user: string | undefined, log: Log) {
  const port = await freePort()
  const args = command.map(arg => arg.replaceAll(portWord, String(port)))
  const server = await startSessionServer(args, user)
  const about = { program: command[0], pid: server.pid, port, user }
  log.debug('service started for a session', about)
  void server.ended.then(complaint => log.debug('service of a session ended', { ...about, complaint }))
  return { port, server }
}

/** There is no common way in which programs report that they listen: their port is tried, at growing intervals. */
async function untilItListens(clock: Clock, port: number, signal: AbortSignal): Promise<LocalEnd> {
  const untilMs = clock.monotonicMs() + relayTimes.dialMs
  for (let waitMs = 20; ; waitMs *= 1.5) {
    try {
      return await connectLocal(clock, ['127.0.0.1'], port, signal)
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'TCP_FAILED' || clock.monotonicMs() > untilMs) throw error
    }
    await sleep(clock, waitMs, signal)
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new AgentError('NOT_SUPPORTED', '127.0.0.1 has no ports.')
  return address.port
}
