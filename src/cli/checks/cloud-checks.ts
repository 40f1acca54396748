// SPDX-License-Identifier: Apache-2.0
import { AgentError, asAgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject } from '../../base/json.ts'
import { waitFor, withDeadline } from '../../base/wait.ts'
import { HttpsClient } from '../../connection/http/https.ts'
import { Link } from '../../connection/link.ts'
import { SocketOpener } from '../../connection/socket/socket-opener.ts'
import { namedByFileService } from '../../connection/tcp/named-by.ts'
import { trustSettings } from '../../connection/tls/trust-settings.ts'
import { diagTime } from '../../protocol/commands.ts'
import { Requester } from '../../protocol/requester.ts'
import type { ManagerView } from '../running-manager/manager-view.ts'
import { type CheckParts, checkTimeoutMs } from './check-parts.ts'
import type { Check, Skip } from './run-checks.ts'
import { seeManager } from './see-manager.ts'

export interface CloudParts extends CheckParts {
  /** The thing that logs in. Its key is known by the time of the login. */
  readonly identity: { readonly thingKey: string | undefined }
  /** Asked instead of logging in when it runs: a second login with its thing key would end its session. */
  readonly manager: ManagerView
}

const defaultFilePort = 443

/** Login, a round trip through the cloud, and the file service. */
export function cloudChecks(parts: CloudParts): readonly Check[] {
  const { settings, clock, log } = parts
  const opener = new SocketOpener({ proxy: settings.proxy, trust: trustSettings(settings), clock, log })
  const login = new LoginCheck(parts, opener)
  return [
    { name: 'login', needs: ['TCP', 'certificate'], run: () => login.logIn() },
    { name: 'round trip', needs: ['login'], run: () => login.roundTrip() },
    { name: 'file service', needs: ['certificate'], run: () => checkFileService(parts, opener) },
  ]
}

/** The login and, over the same connection, the round trip, which is reported by itself. */
class LoginCheck {
  readonly #parts: CloudParts
  readonly #opener: SocketOpener
  /** Whether the running device manager is logged in as the thing. */
  #isManaged = false
  #isSkipped = false
  #roundTrip: string | AgentError = new AgentError('NOT_CONNECTED', 'Nothing was asked yet.')

  constructor(parts: CloudParts, opener: SocketOpener) {
    this.#parts = parts
    this.#opener = opener
  }

  async logIn(): Promise<string | Skip> {
    const { thingKey } = this.#parts.identity
    if (thingKey === undefined) {
      this.#isSkipped = true
      return { skip: 'there is no device_id' }
    }
    const seen = await seeManager(this.#parts.manager)
    if ('skip' in seen) {
      this.#isSkipped = true
      return seen
    }
    const { status } = seen
    // The manager of another thing shows nothing about this one, and a login of this one does not disturb it.
    this.#isManaged = status?.thingKey === thingKey
    if (status !== undefined && this.#isManaged) return managerLogin(status)
    await this.#connect(thingKey)
    return `accepted for the thing key ${thingKey}${otherManager(status)}`
  }

  async roundTrip(): Promise<string | Skip> {
    if (this.#isSkipped) return { skip: 'the login was skipped' }
    if (this.#isManaged) {
      const { roundTripMs } = await this.#parts.manager.ask({ do: 'ping' })
      return `${Math.round(Number(roundTripMs))} ms, by the running device manager`
    }
    if (this.#roundTrip instanceof AgentError) throw this.#roundTrip
    return this.#roundTrip
  }

  async #connect(thingKey: string): Promise<void> {
    const { settings, clock, log } = this.#parts
    const { host, port, token, transport } = settings.cloud
    const link = new Link({ endpoint: { host, port, transport }, thingKey, token, opener: this.#opener, clock, log })
    const requester = new Requester({ link, clock, log, qos: settings.qosLevel })
    try {
      await linkUp(link, this.#parts)
      this.#roundTrip = await timeRequest(requester, this.#parts).catch(asAgentError)
    } finally {
      requester.close(new AgentError('CLOSED', 'The check is over.'))
      await link.close()
    }
  }
}

/** Names the running manager: a user who meant it has forgotten --app-id. */
function otherManager(status: JsonObject | undefined): string {
  return status === undefined ? '' : `; the running device manager is ${String(status.thingKey)}, see --app-id`
}

function managerLogin(status: JsonObject): string {
  const { link, lastError } = status
  if (isJsonObject(link) && link.state === 'up')
    return `the running device manager is connected as ${String(status.thingKey)}`
  const { message, code, remedy } = isJsonObject(lastError) ? lastError : {}
  const trouble = message === undefined ? '' : `: ${String(message).replace(/\.$/, '')}`
  throw new AgentError(
    code === 'LOGIN_REFUSED' ? 'LOGIN_REFUSED' : 'NOT_CONNECTED',
    `The running device manager is not connected${trouble}.`,
    { remedy: typeof remedy === 'string' ? remedy : 'Look into the log of the device manager.' },
  )
}

/** Waits for the first attempt to connect. Resolves when it succeeds, and rejects when it fails. */
function linkUp(link: Link, { clock }: CheckParts): Promise<void> {
  const late = () =>
    new AgentError('TIMEOUT', `The cloud did not answer the login within ${checkTimeoutMs / 1000} s.`, {
      remedy: 'Look into the log of the cloud: it accepts connections, but answers no login.',
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

async function timeRequest(requester: Requester, { clock }: CheckParts): Promise<string> {
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

async function checkFileService({ settings, clock, log }: CheckParts, opener: SocketOpener): Promise<string> {
  const { cloud } = settings
  const https = new HttpsClient({ opener, clock, log })
  const host = cloud.fileXferHost ?? cloud.host
  const port = cloud.fileXferPort ?? defaultFilePort
  const times = { connectTimeoutMs: checkTimeoutMs, idleTimeoutMs: checkTimeoutMs }
  const request = { method: 'GET', host, port, path: '/file/0', namedBy: namedByFileService, ...times } as const
  const { status, body } = await https.request(request)
  body.destroy()
  if (status >= 500)
    throw new AgentError('HTTP_STATUS', `${host}:${port} answers ${status}.`, {
      details: { status },
      remedy: 'Look into the log of the file service.',
    })
  return `${host}:${port} answers`
}
