// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'
import type { Client } from '../../client/client.ts'
import type { Credentials } from './operator.ts'
import {
  type CheckBounds,
  expectSame,
  logins,
  until,
  type ValidationCheck,
  type ValidationContext,
} from './validation-context.ts'

const [operatorLogin, deviceLogin] = logins

/** The login of the operator, which all other checks need. */
export function operatorLoginCheck(
  credentials: Credentials,
): ValidationCheck<CheckBounds & Pick<ValidationContext, 'operator'>> {
  return {
    name: operatorLogin,
    needs: [],
    run: async ({ operator }, signal) => {
      await operator.login(credentials, signal)
      return `as ${credentials.username}`
    },
  }
}

/** The logins of both sides, which all other checks of the library need. */
export function loginChecks(credentials: Credentials): readonly ValidationCheck[] {
  return [
    operatorLoginCheck(credentials),
    {
      name: deviceLogin,
      needs: [operatorLogin],
      run: async (context, signal) => {
        await connectOnce(context.device.client, signal)
        const { thingKey } = context.device
        await until(context, signal, async () => {
          const thing = await context.operator.do('thing.find', { key: thingKey }, { signal })
          expectSame('connected of the new thing', thing.connected, true)
        })
        return thingKey
      },
    },
  ]
}

/** A client retries for ever. This rejects with its first failure. */
function connectOnce(client: Client, signal: AbortSignal): Promise<void> {
  return waitFor<void>(signal, (resolve, reject) => {
    const unlisten = [client.on('rejected', reject), client.on('error', reject)]
    client.connect({ signal }).then(resolve, reject)
    return () => {
      for (const off of unlisten) off()
    }
  })
}

/** Ping and time. */
export const linkChecks: readonly ValidationCheck[] = [
  {
    name: 'ping',
    run: async ({ device }, signal) => {
      const client = await device.connected(signal)
      return `${Math.round(await client.diagnostics.ping({ signal }))} ms`
    },
  },
  {
    name: 'time',
    run: async ({ device, clock }, signal) => {
      const client = await device.connected(signal)
      const aheadS = Math.round((clock.now() - (await client.diagnostics.time({ signal })).getTime()) / 1000)
      // Only the answer matters here: "check" reports a wrong clock.
      return Math.abs(aheadS) < 2 ? 'the clocks agree' : `the clock of this machine is ${aheadS} s ahead of the cloud's`
    },
  },
]

export const endCheck: ValidationCheck = {
  name: 'disconnect',
  run: async (context, signal) => {
    const { device, operator, timeoutMs } = context
    const client = await device.connected(signal)
    await client.events.publish('the last event')
    const isDelivered = await device.end({ waitForReplies: true, timeoutMs })
    if (!isDelivered) throw new AgentError('TIMEOUT', `Not everything was delivered within ${timeoutMs / 1000} s.`)
    await seesEnd(context, signal, () => operator.do('thing.find', { key: device.thingKey }, { signal }))
    return 'everything was delivered, and the cloud shows the thing as disconnected'
  },
}

function seesEnd(
  context: ValidationContext,
  signal: AbortSignal,
  find: () => Promise<{ readonly connected?: unknown }>,
): Promise<void> {
  return until(context, signal, async () => expectSame('connected of the thing', (await find()).connected, false))
}
