// SPDX-License-Identifier: Apache-2.0
import type { Fault } from './faults/faults.ts'
import type { Broker } from './mqtt/broker.ts'
import type { Listener } from './sockets/listener.ts'
import type { State } from './store/state.ts'
import { badParameter } from './values/failure.ts'

interface Switch {
  set(fault: Fault): Promise<void> | undefined
  cleared?(fault: Fault): Promise<void> | undefined
}

type Ports = Readonly<Record<'mqtt' | 'mqtts' | 'https', Listener>>

/** Makes the faults that act at once act when they are switched on, and end when they are cleared. */
export function switchFaults(state: State, broker: Broker, ports: Ports): void {
  const switches: Partial<Record<Fault['name'], Switch>> = {
    closeConnections: {
      set: fault => {
        broker.closeAll(fault.params)
        // It is over as soon as the connections are closed.
        queueMicrotask(() => clearIfThere(state, fault))
        return undefined
      },
    },
    halfOpen: {
      set: fault => {
        broker.freezeAll(fault.params)
        return undefined
      },
      cleared: () => {
        broker.thaw()
        return undefined
      },
    },
    stopListening: portSwitch(state, ports),
  }
  state.faults.onChange((event, fault) => switches[fault.name]?.[event]?.(fault))
}

/** Closes a port while the fault is switched on. */
function portSwitch(state: State, ports: Ports): Switch {
  return {
    set: fault => {
      const { transport, forMs } = fault.params
      const port = portOf(fault, ports)
      if (transport === 'https' && typeof forMs !== 'number')
        throw badParameter('The fault stopListening of https needs forMs.')
      port.shut()
      if (typeof forMs === 'number') setTimeout(() => clearIfThere(state, fault), forMs)
      return undefined
    },
    cleared: fault =>
      portOf(fault, ports)
        .open()
        .catch((error: unknown) => {
          process.stderr.write(
            `local cloud: the port of ${String(fault.params.transport)} could not be opened again: ${String(error)}\n`,
          )
        }),
  }
}

function clearIfThere(state: State, fault: Fault): void {
  if (state.faults.list().includes(fault)) state.faults.clear({ id: fault.id })
}

function portOf(fault: Fault, ports: Ports): Listener {
  const { transport } = fault.params
  if (transport === 'mqtt' || transport === 'mqtts' || transport === 'https') return ports[transport]
  throw badParameter('The fault stopListening needs transport: mqtt, mqtts or https.')
}
