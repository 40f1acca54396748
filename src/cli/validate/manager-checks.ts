// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { CloudError, Status } from '../../protocol/status.ts'
import { describeAnswer } from './calls.ts'
import { operatorLoginCheck } from './login-checks.ts'
import { callManager, type ManagerCheck, type ManagerContext, managerNeeds, succeeded } from './manager-context.ts'
import type { Credentials } from './operator.ts'
import { expectSame, logins, notProven, until } from './validation-context.ts'

const [operatorLogin] = logins

/** What every device manager publishes at start [TR50 4.5]. */
const attributes = [
  'os_name',
  'os_version',
  'architecture',
  'hostname',
  'kernel',
  'hdc_version',
  'mac_address',
  'relay_version',
]
const health = ['health_load_1min', 'health_uptime_seconds', 'health_agent_memory_bytes']
const sample = 'validate_telemetry'

/** The login of the operator, and the connection of the manager's thing. */
export function managerLoginChecks(credentials: Credentials): readonly ManagerCheck[] {
  return [
    operatorLoginCheck(credentials),
    {
      name: 'connected',
      needs: [operatorLogin],
      run: async ({ operator, thingKey }, signal) => {
        const thing = await operator.do('thing.find', { key: thingKey }, { signal })
        if (thing.connected !== true) throw notProven(`the thing ${thingKey} is not connected`)
        return thingKey
      },
    },
  ]
}

/** What the manager publishes by itself, and the actions that change nothing. */
export const managerChecks: readonly ManagerCheck[] = [
  {
    name: 'attributes',
    needs: managerNeeds,
    run: async (context, signal) => {
      const { operator, thingKey } = context
      const values = await until(context, signal, async () => {
        const found = await Promise.all(
          attributes.map(key => operator.ask('attribute.current', { thingKey, key }, { signal })),
        )
        const missing = attributes.filter((_, at) => !found[at]?.ok)
        if (missing.length > 0) throw notProven(`the cloud has no ${missing.join(', ')}`)
        return found.map(answer => (answer.ok ? String(answer.params.value) : ''))
      })
      return `${values[0]} ${values[1]}, ${values[2]}, ${values[3]}, agent ${values[5]}`
    },
  },
  {
    name: 'telemetry',
    needs: managerNeeds,
    run: async (context, signal) => {
      for (const name of health) {
        const seen = await currentOf(context, name, signal)
        if (seen !== undefined) return `${name} is ${seen}`
      }
      if (context.publish === undefined)
        return { skip: 'health_interval is 0, and the device manager does not run on this machine' }
      const value = Math.round(context.clock.random() * 1e6)
      await context.publish(sample, value)
      await until(context, signal, async () => expectSame(sample, await currentOf(context, sample, signal), value))
      return `${sample} is ${value}, as published through the local socket`
    },
  },
  {
    name: 'ping',
    needs: managerNeeds,
    run: async (context, signal) => {
      const answer = await callManager(context, signal, 'ping')
      if ('skip' in answer) return answer
      const { response, time_stamp: time } = succeeded('ping', answer)
      expectSame('response', response, 'acknowledged')
      if (typeof time !== 'string' || !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(time))
        throw notProven(`time_stamp is ${JSON.stringify(time)}`)
      return `acknowledged at ${time}`
    },
  },
  {
    name: 'get_remote_access_info',
    needs: managerNeeds,
    run: async (context, signal) => {
      const answer = await callManager(context, signal, 'get_remote_access_info')
      if ('skip' in answer) return answer
      const params = succeeded('get_remote_access_info', answer)
      if (typeof params.relay_version !== 'string') throw notProven('the answer has no relay_version')
      const services = params.remote_access_attribute ?? 'nothing listens'
      return `relay ${params.relay_version}, ${String(services).slice(0, 100)}`
    },
  },
  refuses('unknown action', 'validate_unknown', Status.NotFound),
  refuses('remote-access', 'remote-access'),
  refuses('software_update', 'software_update'),
]

/** Runs last: it ends the process, and the next one answers. */
export const restartCheck: ManagerCheck = {
  name: 'reset_agent',
  needs: managerNeeds,
  run: async (context, signal) => {
    const answer = await callManager(context, signal, 'reset_agent')
    if ('skip' in answer) return answer
    succeeded('reset_agent', answer)
    const { operator, thingKey } = context
    await until(context, signal, async () =>
      expectSame('connected', (await operator.do('thing.find', { key: thingKey }, { signal })).connected, true),
    )
    return 'answered by the restarted device manager'
  },
}

/** Actions that would make the device unreachable for its owner. */
export const uncalledActions: readonly ManagerCheck[] = [
  notCalled('quit', 'it ends the device manager'),
  notCalled('reboot_device', 'it restarts the device'),
  notCalled('shutdown_device', 'it switches the device off'),
  notCalled('decommission_device', 'it removes the identity of the device'),
]

export function notCalled(name: string, why: string): ManagerCheck {
  return { name, needs: managerNeeds, run: async () => ({ skip: `not called: ${why}` }) }
}

/** Checks that a call without parameters is refused. It does nothing. */
function refuses(name: string, method: string, status?: Status): ManagerCheck {
  return {
    name,
    needs: managerNeeds,
    run: async (context, signal) => {
      const answer = await callManager(context, signal, method)
      if ('skip' in answer) return answer
      if (answer.ok) throw notProven(`${method} without parameters was answered as a success`)
      if (status !== undefined && !answer.errorCodes.includes(status))
        throw notProven(`${method} was not answered with ${status}: ${describeAnswer(answer)}`)
      return `an invalid call is refused: ${describeAnswer(answer)}`
    },
  }
}

/** The latest value that the cloud has, or undefined. */
async function currentOf({ operator, thingKey }: ManagerContext, key: string, signal: AbortSignal): Promise<unknown> {
  const answer = await operator.ask('property.current', { thingKey, key }, { signal })
  if (answer.ok) return answer.params.value ?? undefined
  if (answer.errorCodes.includes(CloudError.NotFound)) return undefined
  throw new AgentError('REFUSED_BY_CLOUD', `property.current of ${key}: ${describeAnswer(answer)}`)
}
