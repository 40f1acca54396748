import { AgentError } from '../../base/errors.ts'
import { waitFor } from '../../base/wait.ts'
import type { Client } from '../../client/client.ts'
import type { Credentials } from './operator.ts'
import { expectSame, logins, until, type ValidationCheck, type ValidationContext } from './validation-context.ts'

/** Both sides of the cloud: everything else stands on them. */
export function loginChecks(credentials: Credentials): readonly ValidationCheck[] {
  const [operatorLogin, deviceLogin] = logins
  return [
    {
      name: operatorLogin,
      needs: [],
      run: async ({ operator }, signal) => {
        await operator.login(credentials, signal)
        return `as ${credentials.username}`
      },
    },
    {
      name: deviceLogin,
      needs: [operatorLogin],
      run: async (context, signal) => {
        await connectOrSayWhy(context.device.client, signal)
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

/** A client goes on trying whatever happens; here its first failure says enough. */
function connectOrSayWhy(client: Client, signal: AbortSignal): Promise<void> {
  return waitFor<void>(signal, (resolve, reject) => {
    const unlisten = [client.on('rejected', reject), client.on('error', reject)]
    client.connect({ signal }).then(resolve, reject)
    return () => {
      for (const off of unlisten) off()
    }
  })
}

/** Ping, time, and the good order of the end. */
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
      // A wrong clock of the device is told by "check"; here the answer is what counts.
      return Math.abs(aheadS) < 2 ? 'the clocks agree' : `the clock of this machine is ${aheadS} s ahead of the cloud's`
    },
  },
]

export const endCheck: ValidationCheck = {
  name: 'disconnect',
  run: async (context, signal) => {
    const { device, operator, timeoutMs } = context
    const client = await device.connected(signal)
    await client.events.publish('the last word')
    const isDelivered = await device.end({ waitForReplies: true, timeoutMs })
    if (!isDelivered) throw new AgentError('TIMEOUT', `not everything was delivered within ${timeoutMs / 1000} s`)
    await seesEnd(context, signal, () => operator.do('thing.find', { key: device.thingKey }, { signal }))
    return 'everything delivered, and the cloud saw the end'
  },
}

function seesEnd(
  context: ValidationContext,
  signal: AbortSignal,
  find: () => Promise<{ readonly connected?: unknown }>,
): Promise<void> {
  return until(context, signal, async () => expectSame('connected of the thing', (await find()).connected, false))
}
