// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net'
import { AgentError, type AgentErrorOptions } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'
import type { ProxySettings } from '../../config/settings.ts'
import { hostAndPort, type SocketTarget } from '../tcp/endpoint.ts'
import { reasonOf } from '../tcp/failure.ts'
import type { ProxyRequest } from './proxy-request.ts'

/** Largest response head of a proxy to CONNECT. Login pages of captive portals have short heads, too. */
export const maxConnectAnswerBytes = 16 * 1024

/**
 * Asks an HTTP proxy for a tunnel [RFC 9110 9.3.6] and returns the same socket with the tunnel inside.
 * Bytes of the server that arrived together with the response are put back.
 */
export function httpConnect(
  socket: Socket,
  proxy: ProxySettings,
  target: SocketTarget,
  { place, signal }: ProxyRequest,
): Promise<Socket> {
  return waitFor<Socket>(signal, (resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    let open = false
    const fail = (code: 'PROXY_FAILED' | 'PROXY_REFUSED', why: string, more: AgentErrorOptions = {}) =>
      reject(new AgentError(code, `${place}: ${why}`, more))
    const notHttp = () =>
      fail('PROXY_FAILED', 'the proxy does not answer in HTTP', { remedy: 'Check proxy.port and proxy.type.' })

    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      // A service that greets first, as SSH does, sends no more and waits.
      if (!'HTTP/'.startsWith(received.toString('latin1', 0, 5))) return notHttp()
      const end = received.indexOf('\r\n\r\n')
      if (end > maxConnectAnswerBytes || (end < 0 && received.length > maxConnectAnswerBytes))
        return fail('PROXY_FAILED', `the answer of the proxy is longer than ${maxConnectAnswerBytes} bytes`)
      if (end < 0) return
      const head = received.toString('latin1', 0, end + 2)
      const answer = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(head)
      if (answer === null) return notHttp()
      const status = Number(answer[1])
      if (status < 200 || status > 299) {
        const { why, remedy } = refusal(status, answer[2], schemesIn(head), proxy, target)
        return fail('PROXY_REFUSED', why, { details: { status }, remedy })
      }
      open = true
      received = received.subarray(end + 4)
      resolve(socket)
    }
    const onError = (error: Error) => fail('PROXY_FAILED', `the proxy broke off: ${reasonOf(error)}`)
    const onClose = () => {
      const what = received.length === 0 ? 'without an answer' : 'in the middle of its answer'
      fail('PROXY_FAILED', `the proxy closed the connection ${what}`)
    }

    socket.on('data', onData)
    socket.once('error', onError)
    socket.once('end', onClose)
    socket.once('close', onClose)
    socket.write(connectRequest(proxy, target))
    return () => {
      socket.removeListener('data', onData)
      socket.removeListener('error', onError)
      socket.removeListener('end', onClose)
      socket.removeListener('close', onClose)
      socket.pause()
      if (open && received.length > 0) socket.unshift(received)
    }
  })
}

function connectRequest(proxy: ProxySettings, target: SocketTarget): string {
  const place = hostAndPort(target)
  const lines = [`CONNECT ${place} HTTP/1.1`, `Host: ${place}`]
  if (proxy.username !== undefined) {
    // A user name without a password is a login with an empty one [RFC 7617 2].
    const login = Buffer.from(`${proxy.username}:${proxy.password ?? ''}`, 'utf8').toString('base64')
    lines.push(`Proxy-Authorization: Basic ${login}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The login schemes that a proxy offers [RFC 9110 11.7.1]. */
function schemesIn(head: string): readonly string[] {
  const offers = [...head.matchAll(/^Proxy-Authenticate:[ \t]*(.*)$/gim)].map(([, value = '']) => value)
  // Parameters follow a scheme, and further schemes a comma; what has "=" behind it is a parameter.
  return offers.flatMap(value =>
    [...value.matchAll(/(?:^|,[ \t]*)([A-Za-z-]+)(?=[ \t]|,|\r|$)(?![ \t]*=)/g)].map(([, scheme = '']) => scheme),
  )
}

interface ProxyRefusal {
  readonly why: string
  readonly remedy: string
}

const maxShownSchemes = 4

function refusal(
  status: number,
  phrase: string | undefined,
  schemes: readonly string[],
  proxy: ProxySettings,
  target: SocketTarget,
): ProxyRefusal {
  // 401 is for servers, but tinyproxy answers a wrong login with it.
  if (status === 407 || status === 401) {
    if (schemes.length > 0 && !schemes.some(scheme => scheme.toLowerCase() === 'basic'))
      return {
        why: `the proxy asks for a login by ${schemes.slice(0, maxShownSchemes).join(', ')} (${status}), and the agent knows Basic only`,
        remedy: 'Have the proxy offer Basic, or let this device through without a login.',
      }
    return proxy.username === undefined
      ? {
          why: `the proxy asks for a login (${status}), and proxy.username is not set`,
          remedy: 'Set proxy.username and proxy.password.',
        }
      : { why: `the proxy refused the login (${status})`, remedy: 'Check proxy.username and proxy.password.' }
  }
  const shown = phrase === undefined || phrase === '' ? '' : ` ${phrase.slice(0, 100)}`
  return { why: `the proxy answered ${status}${shown}`, remedy: statusRemedy(status, hostAndPort(target)) }
}

/** Statuses by which a proxy reports that it could not reach the server. */
const cannotReach = new Set([404, 500, 502, 503, 504])

function statusRemedy(status: number, place: string): string {
  if (cannotReach.has(status)) return `Check that ${place} exists, and that the proxy can reach it.`
  if (status === 403) return `Have the rules of the proxy allow CONNECT to ${place}.`
  return `Check proxy.type and proxy.port, and that the proxy allows CONNECT to ${place}.`
}
