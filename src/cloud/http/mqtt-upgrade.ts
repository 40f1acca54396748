import { WebSocketServer } from 'ws'
import type { Broker } from '../broker.ts'
import { numberOf } from '../faults.ts'
import type { RawSockets } from '../raw-sockets.ts'
import { mostRequestBytes } from '../requests.ts'
import type { State } from '../state.ts'
import { Wire, webSocketCarrier } from '../wire.ts'
import { refuseUpgrade, type UpgradeHandler } from './upgrades.ts'

const paths = new Set(['/mqtt', '/mqtt-ssl'])
/** Both are in use; the one that the client offers is taken [TR50 1.1]. */
const subprotocols = ['mqtt', 'mqttv3.1']

/** MQTT over WebSocket: binary frames, and never a ping, because the old agent answers one wrongly [TR50 1.1]. */
export function mqttUpgrade(state: State, broker: Broker, raw: RawSockets): UpgradeHandler {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: mostRequestBytes,
    handleProtocols: offered => subprotocols.find(one => offered.has(one)) ?? false,
  })
  return ({ request, url, socket, head }) => {
    if (!paths.has(url.pathname)) return false
    const refusal = state.faults.take('refuseWebSocket', { transport: 'wss' })
    if (refusal !== undefined) {
      refuseUpgrade(socket, numberOf(refusal, 'status', 403))
      return true
    }
    server.handleUpgrade(request, socket, head, webSocket => {
      const record = state.connections.open('wss', { address: socket.remoteAddress, port: socket.remotePort })
      state.transcript.event(record.id, 'websocket', { text: `${url.pathname} ${webSocket.protocol}` })
      broker.handle(new Wire(webSocketCarrier(webSocket, raw.below(socket)), record, broker.mostPacketBytes()))
    })
    return true
  }
}
