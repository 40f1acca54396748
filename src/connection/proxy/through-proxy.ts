// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { AgentError } from '../../base/errors.ts'
import type { ProxySettings } from '../../config/settings.ts'
import { hostAndPort, type SocketTarget, wireHost } from '../tcp/endpoint.ts'
import { reasonOf, tcpFailure } from '../tcp/failure.ts'
import { namedByProxy } from '../tcp/named-by.ts'
import { discard, openTcp, unpause } from '../tcp/open-tcp.ts'
import type { ProxyRequest } from './proxy-request.ts'

function proxyRemedy({ code, remedy }: AgentError): string {
  return code === 'TCP_FAILED'
    ? 'Check proxy.host and proxy.port, whether the proxy runs, and firewalls on the way.'
    : remedy
}

/** A socket to `target` through the proxy. The proxy resolves the name of the target, never this device. */
export async function openThroughProxy(
  proxy: ProxySettings,
  target: SocketTarget,
  request: ProxyRequest,
): Promise<Socket> {
  const shake =
    proxy.type === 'http'
      ? (await import('./http-proxy.ts')).httpConnect
      : (await import('./socks-proxy.ts')).socksConnect
  request.progress.step = 'connecting to the proxy'
  const socket = await openTcp(wireHost(proxy.host), proxy.port, request.signal).catch((error: unknown) => {
    if (error instanceof AgentError) throw error
    throw new AgentError('PROXY_FAILED', `${request.place}: proxy ${hostAndPort(proxy)}: ${reasonOf(error)}`, {
      cause: error,
      remedy: proxyRemedy(tcpFailure(request.place, error, namedByProxy)),
    })
  })
  request.progress.step = 'waiting for the proxy'
  try {
    await shake(socket, proxy, target, request)
    // The handshakes pause the socket, so that no byte of the server is lost.
    unpause(socket)
    return socket
  } catch (error) {
    discard(socket)
    throw error
  }
}
