import type { Log } from '../../base/log.ts'
import { startServer } from '../../platform/connection-server.ts'
import type { LocalEnd } from './local-end.ts'

/**
 * A program that serves one connection on its standard input and output, as inetd starts it: nothing listens, and it ends
 * with the connection.
 *
 * @throws AgentError `FILE_NOT_FOUND`, `FILE_ACCESS`, `NOT_SUPPORTED`
 */
export async function serveWithCommand(parts: {
  readonly command: readonly string[]
  readonly user: string | undefined
  readonly log: Log
}): Promise<LocalEnd> {
  const { command, user, log } = parts
  const server = await startServer(command, user)
  log.debug('service started for a connection', { program: command[0], pid: server.pid, user })
  void server.ended.then(({ exitCode, signal, complaint }) => {
    const fields = { program: command[0], pid: server.pid, exitCode, signal, complaint }
    if (exitCode === 0 || complaint === '') log.debug('service of a connection ended', fields)
    else log.warn('service of a connection ended with an error', fields)
  })
  return { readable: server.stdout, writable: server.stdin, destroy: () => server.stop() }
}
