// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import { Link } from '../connection/link.ts'
import type { OnWire } from '../connection/reconnect.ts'
import { SocketOpener } from '../connection/socket/socket-opener.ts'
import type { RootMemory } from '../connection/tls/known-roots.ts'
import { trustSettings } from '../connection/tls/trust-settings.ts'
import { networkPaths } from '../platform/system/network-paths.ts'
import { Requester } from '../protocol/requester.ts'

interface ConnectionParts {
  readonly thingKey: string
  readonly settings: Settings
  readonly rootMemory: RootMemory
  readonly clock: Clock
  readonly log: Log
  /** What is on the wire when a session ends. */
  readonly onWire: () => OnWire
}

/** What leads to the cloud: sockets, the link over them, and requests over the link. */
export interface Connection {
  readonly opener: SocketOpener
  readonly link: Link
  readonly requester: Requester
}

/** Puts a connection together; it connects with `link.start()`. */
export function makeConnection(parts: ConnectionParts): Connection {
  const { thingKey, settings, rootMemory, clock, log, onWire } = parts
  const { host, port, token, transport } = settings.cloud
  const trust = { ...trustSettings(settings), rootMemory }
  const opener = new SocketOpener({ proxy: settings.proxy, trust, clock, log: log.child('socket') })
  const link = new Link({
    endpoint: { host, port, transport },
    thingKey,
    token,
    opener,
    clock,
    log: log.child('link'),
    network: networkPaths,
    onWire,
  })
  const requester = new Requester({ link, clock, log: log.child('protocol'), qos: settings.qosLevel })
  return { opener, link, requester }
}
