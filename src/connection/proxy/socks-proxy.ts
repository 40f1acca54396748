// SPDX-License-Identifier: Apache-2.0
import { isIP, type Socket } from 'node:net'
import { SocksClient } from 'socks'
import { AgentError, messageOf } from '../../base/errors.ts'
import { throwIfAborted, waitFor } from '../../base/wait.ts'
import type { ProxySettings } from '../../config/settings.ts'
import { hostAndPort, type SocketTarget } from '../tcp/endpoint.ts'
import type { ProxyRequest } from './proxy-request.ts'

/** Largest user name, password and host name in SOCKS: their length travels in one byte [RFC 1929 2] [RFC 1928 5]. */
export const maxSocksFieldBytes = 255
/** The opener's deadline ends the handshake; the package's own timer must not fire before it. */
const packageTimeoutExtraMs = 1000

/**
 * Asks a SOCKS proxy for a tunnel over `socket` and returns the socket with the tunnel inside.
 * The proxy resolves names (SOCKS4a or SOCKS5).
 */
export async function socksConnect(
  socket: Socket,
  proxy: ProxySettings,
  target: SocketTarget,
  { place, timeoutMs, signal }: ProxyRequest,
): Promise<Socket> {
  try {
    checkFields(proxy, target, place)
    await waitFor<void>(signal, (resolve, reject) => {
      SocksClient.createConnection({
        command: 'connect',
        destination: { host: target.host, port: target.port },
        proxy: {
          host: proxy.host,
          port: proxy.port,
          type: proxy.type === 'socks4' ? 4 : 5,
          ...(proxy.username === undefined ? {} : { userId: proxy.username }),
          ...(proxy.password === undefined ? {} : { password: proxy.password }),
        },
        existing_socket: socket,
        timeout: timeoutMs + packageTimeoutExtraMs,
      }).then(() => resolve(), reject)
      return undefined
    })
    return await keepEarlyBytes(socket, signal)
  } catch (error) {
    if (error instanceof AgentError) throw error
    // The package's error carries its options, and with them the password: only its text is passed on.
    throw socksFailure(place, messageOf(error), proxy, target)
  }
}

/**
 * The package emits bytes that came with the proxy's answer as a `data` event one turn later, and sets the socket flowing. This
 * puts them back at once and keeps the socket from flowing meanwhile, so that the caller finds them even if the server has already
 * closed.
 */
async function keepEarlyBytes(socket: Socket, signal: AbortSignal): Promise<Socket> {
  // While it has a listener for "readable", a socket does not flow, even if resumed.
  const wait = () => {}
  const putBack = (chunk: Buffer) => socket.unshift(chunk)
  socket.on('readable', wait).on('data', putBack)
  await new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)))
  socket.removeListener('data', putBack)
  socket.pause()
  socket.removeListener('readable', wait)
  throwIfAborted(signal)
  return socket
}

function checkFields(proxy: ProxySettings, target: SocketTarget, place: string): void {
  const refuse = (why: string) => new AgentError('PROXY_FAILED', `${place}: ${why}`)
  if (proxy.type === 'socks4' && isIP(target.host) === 6)
    throw refuse('SOCKS4 cannot carry an IPv6 address; use a name or proxy type SOCKS5')
  const fields = { 'proxy.username': proxy.username, 'proxy.password': proxy.password, 'the host name': target.host }
  for (const [name, value = ''] of Object.entries(fields)) {
    if (Buffer.byteLength(value) > maxSocksFieldBytes)
      throw refuse(`${name} is longer than ${maxSocksFieldBytes} bytes, which SOCKS cannot carry`)
    if (value.includes('\0')) throw refuse(`${name} holds a zero byte, which SOCKS cannot carry`)
  }
}

/** The package distinguishes its failures by text only. */
function socksFailure(place: string, text: string, proxy: ProxySettings, target: SocketTarget): AgentError {
  const refused = (why: string, remedy: string) => new AgentError('PROXY_REFUSED', `${place}: ${why}`, { remedy })
  if (/authentication failed|no accepted authentication/i.test(text))
    return proxy.username === undefined
      ? refused(
          'the proxy asks for a login, and proxy.username is not set',
          'Set proxy.username and proxy.password, or let this device through without a login.',
        )
      : refused('the proxy refused the login', 'Check proxy.username and proxy.password.')
  const rejected = /rejected connection(?: - \(?(\w+)\)?)?/i.exec(text)
  if (rejected !== null)
    return refused(
      `the proxy refused to connect${because(rejected[1])}`,
      `Check that the proxy can reach ${hostAndPort(target)}, and that its rules allow it.`,
    )
  if (/socket closed/i.test(text))
    return new AgentError('PROXY_FAILED', `${place}: the proxy closed the connection without an answer`, {
      remedy: 'Check proxy.type and proxy.port, and look into the log of the proxy.',
    })
  return new AgentError('PROXY_FAILED', `${place}: ${text}`)
}

function because(reply: string | undefined): string {
  return reply === undefined || reply === 'undefined' ? '' : ` (${reply})`
}
