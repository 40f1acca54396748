// SPDX-License-Identifier: Apache-2.0
import { BadParameter } from '../actions/index.ts'

/** Where the relay of a session is. Path and query are the only key to it: they are secret. */
export interface RelayPlace {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly path: string
}

/**
 * Reads the `url` of a remote access. Port 443 means TLS whatever the scheme says, as for the C agent [TR50 6.1].
 *
 * @param allowPlain whether a relay without TLS is accepted: only where the link to the cloud has no TLS either
 * @throws BadParameter without the text of the URL
 */
export function readRelayUrl(text: string, allowPlain: boolean): RelayPlace {
  const url = parse(text)
  if (url === undefined) throw new BadParameter('url is not a URL such as wss://HOST/PATH')
  const isSecure = url.protocol === 'wss:' || url.protocol === 'https:'
  if (!isSecure && url.protocol !== 'ws:' && url.protocol !== 'http:')
    throw new BadParameter(`url must begin with wss://, not ${url.protocol.slice(0, 20)}//`)
  if (url.username !== '' || url.password !== '') throw new BadParameter('url must not hold a user name or password')
  const tls = isSecure || url.port === '443'
  if (!tls && !allowPlain)
    throw new BadParameter(
      'url is ws://: a relay without TLS is refused, unless cloud.transport of the connection file is mqtt',
    )
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port)
  if (port === 0) throw new BadParameter('url must not name port 0')
  return {
    host: url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''),
    port,
    tls,
    path: `${url.pathname}${url.search}`,
  }
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text)
    return url.hostname === '' ? undefined : url
  } catch {
    return undefined
  }
}
