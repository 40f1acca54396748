// SPDX-License-Identifier: Apache-2.0
import { WebSocketServer } from 'ws'
import { numberOf } from '../faults/faults.ts'
import { maxRequestBytes } from '../requests/envelope.ts'
import type { RawSockets } from '../sockets/raw-sockets.ts'
import { refuseUpgrade, type UpgradeRequest } from '../sockets/upgrade.ts'
import type { State } from '../store/state.ts'
import type { Broker } from './broker.ts'
import { Wire, webSocketCarrier } from './wire.ts'

/** Both are in use; the client's choice is taken [TR50 1.1]. */
const subprotocols = ['mqtt', 'mqttv3.1']

/** MQTT over WebSocket: binary frames, and never a ping, because the old agent answers pings wrongly [TR50 1.1]. */
export class MqttUpgrade {
  readonly #state: State
  readonly #broker: Broker
  readonly #rawSockets: RawSockets
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxRequestBytes,
    handleProtocols: offered => subprotocols.find(one => offered.has(one)) ?? false,
  })

  constructor(state: State, broker: Broker, rawSockets: RawSockets) {
    this.#state = state
    this.#broker = broker
    this.#rawSockets = rawSockets
  }

  take({ request, path, socket, head }: UpgradeRequest): void {
    const state = this.#state
    const broker = this.#broker
    const refusal = state.faults.take('refuseWebSocket', { transport: 'wss' })
    if (refusal !== undefined) {
      refuseUpgrade(socket, numberOf(refusal, 'status', 403))
      return
    }
    this.#server.handleUpgrade(request, socket, head, webSocket => {
      const record = state.connections.open('wss', { address: socket.remoteAddress, port: socket.remotePort })
      state.transcript.event(record.id, 'websocket', { text: `${path} ${webSocket.protocol}` })
      const takesPacket = (bytes: number) => broker.takesPacket(record, bytes)
      broker.handle(new Wire(webSocketCarrier(webSocket, this.#rawSockets.below(socket)), record, takesPacket))
    })
  }
}
