import { AgentError, asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { isJsonObject } from '../../base/json.ts'
import { waitFor, withDeadline } from '../../base/wait.ts'
import { HttpsClient } from '../../connection/https.ts'
import { Link } from '../../connection/link.ts'
import { namedByFileService } from '../../connection/named-by.ts'
import { SocketOpener } from '../../connection/socket-opener.ts'
import { trustSettings } from '../../connection/trust-settings.ts'
import { diagTime } from '../../protocol/commands.ts'
import { Requester } from '../../protocol/requester.ts'
import { type ManagerView, seeManager } from '../manager-view.ts'
import type { Check } from '../run-checks.ts'
import { type CheckParts, checkTimeoutMs } from './check-parts.ts'

export interface CloudParts extends CheckParts {
  /** Whose thing logs in, known by the time of the login. */
  readonly identity: { readonly thingKey: string | undefined }
  /** A second login with the same thing key would end the session of a manager that runs: then that one is asked. */
  readonly manager: ManagerView
}

const cloudPort = 443

/** Login, a round trip through the cloud, and the file service. */
export function cloudChecks(parts: CloudParts): readonly Check[] {
  const { settings, clock, log, identity, manager } = parts
  const { cloud, proxy, qosLevel } = settings
  const opener = new SocketOpener({ proxy, trust: trustSettings(settings), clock, log })
  let managed = false
  let isLeftOut = false
  let trip: string | AgentError = new AgentError('NOT_CONNECTED', 'nothing was asked yet')
  return [
    {
      name: 'login',
      needs: ['TCP', 'certificate'],
      run: async () => {
        const { thingKey } = identity
        if (thingKey === undefined) {
          isLeftOut = true
          return { skip: 'there is no device_id' }
        }
        const seen = await seeManager(manager)
        if ('skip' in seen) {
          isLeftOut = true
          return seen
        }
        const { status } = seen
        // A manager of another thing says nothing about this one, and is not disturbed by its login.
        managed = status?.thingKey === thingKey
        if (status !== undefined && managed) return managerLogin(status)
        const { host, port, token, transport } = cloud
        const link = new Link({ endpoint: { host, port, transport }, thingKey, token, opener, clock, log })
        const requester = new Requester({ link, clock, log, qos: qosLevel })
        try {
          await linkUp(link, parts)
          trip = await roundTrip(requester, parts).catch(asAgentError)
          return `accepted for the thing key ${thingKey}${besides(status)}`
        } finally {
          requester.close(new AgentError('CLOSED', 'The check is over.'))
          await link.close()
        }
      },
    },
    {
      name: 'round trip',
      needs: ['login'],
      run: async () => {
        if (isLeftOut) return { skip: 'nobody logged in' }
        if (managed) {
          const { roundTripMs } = await manager.ask({ do: 'ping' })
          return `${Math.round(Number(roundTripMs))} ms, by the running device manager`
        }
        if (trip instanceof AgentError) throw trip
        return trip
      },
    },
    {
      name: 'file service',
      needs: ['certificate'],
      run: async () => {
        const https = new HttpsClient({ opener, clock, log })
        const host = cloud.fileXferHost ?? cloud.host
        const port = cloud.fileXferPort ?? cloudPort
        const times = { connectTimeoutMs: checkTimeoutMs, idleTimeoutMs: checkTimeoutMs }
        const { status, body } = await https.request({
          method: 'GET',
          host,
          port,
          path: '/file/0',
          namedBy: namedByFileService,
          ...times,
        })
        body.destroy()
        if (status >= 500)
          throw new AgentError('HTTP_STATUS', `${host}:${port} answers ${status}`, {
            details: { status },
            remedy: 'Look into the log of the file service.',
          })
        return `${host}:${port} answers`
      },
    },
  ]
}

/** Who meant the manager that runs has left out which one. */
function besides(status: JsonObject | undefined): string {
  return status === undefined ? '' : `; the device manager that runs is ${String(status.thingKey)}, see --app-id`
}

function managerLogin(status: JsonObject): string {
  const { link, lastError } = status
  if (isJsonObject(link) && link.state === 'up')
    return `the running device manager is connected as ${String(status.thingKey)}`
  const trouble = isJsonObject(lastError) ? `: ${String(lastError.message)}` : ''
  const code = isJsonObject(lastError) && lastError.code === 'LOGIN_REFUSED' ? 'LOGIN_REFUSED' : 'NOT_CONNECTED'
  const told = isJsonObject(lastError) && typeof lastError.remedy === 'string' ? lastError.remedy : undefined
  throw new AgentError(code, `the running device manager is not connected${trouble}`, {
    remedy: told ?? 'Look into the log of the device manager.',
  })
}

/** Waits for the first try to connect, whichever way it goes. */
function linkUp(link: Link, { clock }: CheckParts): Promise<void> {
  const late = () =>
    new AgentError('TIMEOUT', `no login within ${checkTimeoutMs / 1000} s`, {
      remedy: 'Look into the log of the cloud: it takes connections, and does not answer the login.',
    })
  return withDeadline(clock, checkTimeoutMs, late, signal =>
    waitFor<void>(signal, (resolve, reject) => {
      const unlisten = [
        link.on('up', () => resolve()),
        link.on('rejected', reject),
        link.on('failed', reject),
        link.on('down', reject),
      ]
      link.start()
      return () => {
        for (const off of unlisten) off()
      }
    }),
  )
}

async function roundTrip(requester: Requester, { clock }: CheckParts): Promise<string> {
  const startedMs = clock.monotonicMs()
  const { time } = await requester.requestOne(diagTime(), { timeoutMs: checkTimeoutMs })
  const tookMs = clock.monotonicMs() - startedMs
  const aheadS = typeof time === 'number' ? Math.round((clock.now() - tookMs / 2 - time) / 1000) : 0
  const clockText =
    Math.abs(aheadS) < 2
      ? ''
      : `; the clock of this device is ${Math.abs(aheadS)} s ${aheadS > 0 ? 'ahead of' : 'behind'} the cloud's`
  return `${Math.round(tookMs)} ms${clockText}`
}
