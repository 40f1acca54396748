// SPDX-License-Identifier: Apache-2.0
import type { MqttUpgrade } from '../mqtt/mqtt-upgrade.ts'
import type { Relays } from '../relay/relays.ts'
import type { UpgradeRequest } from '../sockets/upgrade.ts'
import type { Api } from './api.ts'
import { serveConsole } from './console.ts'
import type { Exchange } from './exchange.ts'
import type { Files } from './files.ts'
import type { RouteRules } from './route.ts'

/** The objects that serve the routes. */
export interface Services {
  readonly api: Api
  readonly files: Files
  readonly mqtt: MqttUpgrade
  readonly relays: Relays
}

export interface RequestRoute extends RouteRules {
  take(exchange: Exchange, services: Services): Promise<void>
}

export interface UpgradeRoute extends RouteRules {
  take(upgrade: UpgradeRequest, services: Services): void
}

const page = { methods: ['GET', 'HEAD'], body: 'none' } as const
const webSocket = { methods: ['GET'], body: 'none' } as const

/** Every path that this cloud serves over HTTP. */
export const requestRoutes: readonly RequestRoute[] = [
  { path: '/', ...page, isLinkable: true, take: exchange => serveConsole(exchange, 'page.html') },
  { path: '/console.js', ...page, take: exchange => serveConsole(exchange, 'page.js') },
  { path: '/console.css', ...page, take: exchange => serveConsole(exchange, 'page.css') },
  { path: '/api', methods: ['POST'], body: 'json', take: (exchange, { api }) => api.take(exchange) },
  {
    path: '/file/:id',
    methods: ['GET', 'HEAD', 'POST'],
    body: 'any',
    take: (exchange, { files }) => files.take(exchange),
  },
]

/** Every path that this cloud serves over WebSocket. */
export const upgradeRoutes: readonly UpgradeRoute[] = [
  { path: '/mqtt', ...webSocket, take: (upgrade, { mqtt }) => mqtt.take(upgrade) },
  { path: '/mqtt-ssl', ...webSocket, take: (upgrade, { mqtt }) => mqtt.take(upgrade) },
  {
    path: '/ws-relay/:id',
    ...webSocket,
    takesLooseOrigin: true,
    take: (upgrade, { relays }) => relays.take(upgrade),
  },
]
