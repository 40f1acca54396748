// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'
import { carryOutPower, type PowerAction, type PowerOptions, planPower } from '../../platform/process/power.ts'
import type { ManagedAction } from './action.ts'
import { pingAction } from './ping.ts'
import { type PowerSwitch, rebootAction, shutdownAction } from './power.ts'
import { quitAction } from './quit.ts'
import { resetAgentAction } from './reset-agent.ts'

/** Root's part of a manager that is not root, as far as it switches the machine off. */
export interface PowerRoot {
  /** Throws AgentError `NOT_SUPPORTED` when root would not do it. */
  checkPower(action: PowerAction): Promise<void>
  power(action: PowerAction, id: string): Promise<void>
}

interface ProcessActionsParts {
  readonly client: Pick<Client, 'events'>
  readonly clock: Clock
  readonly log: Log
  readonly powerOptions: PowerOptions
  /** Undefined for a manager that is root itself. */
  readonly rootSide: PowerRoot | undefined
  readonly onEnd: (reason: 'quit' | 'restart') => void
}

/** The actions of this room: on the power of the machine, on the process of the agent, and `ping`. */
export function processActions(parts: ProcessActionsParts): readonly ManagedAction[] {
  const { client, clock, log, onEnd } = parts
  const report = async (text: string) => void (await client.events.publish(text, { level: 'error' }))
  const power = (action: PowerAction) => ({ power: powerSwitch(action, parts), report, clock, log })
  return [
    shutdownAction(power('shutdown')),
    rebootAction(power('reboot')),
    resetAgentAction({ restart: () => onEnd('restart') }),
    quitAction({ quit: () => onEnd('quit') }),
    pingAction(clock),
  ]
}

function powerSwitch(action: PowerAction, { clock, powerOptions, rootSide }: ProcessActionsParts): PowerSwitch {
  if (rootSide !== undefined) return { check: () => rootSide.checkPower(action), act: id => rootSide.power(action, id) }
  return {
    check: async () => void (await planPower(action, powerOptions)),
    act: async () => carryOutPower(await planPower(action, powerOptions), clock),
  }
}
