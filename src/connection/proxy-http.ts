import type { Socket } from 'node:net'
import { AgentError } from '../base/errors.ts'
import { waitFor } from '../base/wait.ts'
import type { ProxySettings } from '../config/settings.ts'
import { hostAndPort, type SocketTarget } from './endpoint.ts'
import { reasonOf } from './failure.ts'
import type { ProxyRequest } from './proxy-request.ts'

/** Largest answer of a proxy to CONNECT. Login pages of captive portals come with a short header too. */
export const maxConnectAnswerBytes = 16 * 1024

/**
 * Asks an HTTP proxy for a tunnel [RFC 9110 9.3.6] and returns the same socket with the tunnel inside.
 * Bytes of the server that came together with the answer are put back.
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
    const fail = (code: 'PROXY_FAILED' | 'PROXY_REFUSED', why: string, details: { status?: number } = {}) =>
      reject(new AgentError(code, `${place}: ${why}`, { details }))

    const onData = (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const end = received.indexOf('\r\n\r\n')
      if (end > maxConnectAnswerBytes || (end < 0 && received.length > maxConnectAnswerBytes))
        return fail('PROXY_FAILED', `the answer of the proxy is longer than ${maxConnectAnswerBytes} bytes`)
      if (end < 0) return
      const answer = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/.exec(received.toString('latin1', 0, end + 2))
      if (answer === null) return fail('PROXY_FAILED', 'the proxy does not answer in HTTP')
      const status = Number(answer[1])
      if (status < 200 || status > 299) return fail('PROXY_REFUSED', refusal(status, answer[2], proxy), { status })
      open = true
      received = received.subarray(end + 4)
      resolve(socket)
    }
    const onError = (error: Error) => fail('PROXY_FAILED', `the proxy broke off: ${reasonOf(error)}`)
    const onClose = () => fail('PROXY_FAILED', 'the proxy closed the connection without an answer')

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

function refusal(status: number, phrase: string | undefined, proxy: ProxySettings): string {
  // 401 belongs to servers, but tinyproxy answers it to a wrong login.
  if (status === 407 || status === 401)
    return proxy.username === undefined
      ? `the proxy asks for a login (${status}), and proxy.username is not set`
      : `the proxy refused the login (${status})`
  const told = phrase === undefined || phrase === '' ? '' : ` ${phrase.slice(0, 100)}`
  return `the proxy answered ${status}${told}`
}
