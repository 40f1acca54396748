import { connect } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { waitFor } from '../../base/wait.ts'

const probeTimeoutMs = 2000

/** Whether something accepts connections on a port of this device, over IPv4 or IPv6. Goes past any proxy. */
export async function isPortListening(clock: Clock, port: number): Promise<boolean> {
  const hosts = ['127.0.0.1', '::1']
  const found = await Promise.all(hosts.map(host => accepts(clock, host, port)))
  return found.includes(true)
}

function accepts(clock: Clock, host: string, port: number): Promise<boolean> {
  return waitFor<boolean>(undefined, resolve => {
    const socket = connect({ host, port })
    const timer = clock.timer(probeTimeoutMs, () => resolve(false))
    socket.once('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    return () => {
      timer.cancel()
      socket.destroy()
    }
  })
}
