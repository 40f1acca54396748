import { isAbsolute } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Receipt } from '../../outbox/outbox.ts'
import type { TransferProgress, UploadOptions } from '../../services/files/types.ts'
import type { RequestHandler } from './connection.ts'
import { numberField, optionalBoolean, optionalNumber, optionalSeconds, optionalText, textField } from './fields.ts'
import type { LocalRequest } from './message.ts'

/** The slice of the client that the local socket offers to other programs of this device. */
export interface LocalClient {
  readonly isConnected: boolean
  readonly telemetry: {
    publish(
      name: string,
      value: number,
      options: { timestamp?: string | undefined; corrId?: string | undefined },
    ): Promise<Receipt>
  }
  readonly attributes: {
    publish(name: string, text: string, options: { timestamp?: string | undefined }): Promise<Receipt>
  }
  readonly alarms: {
    publish(
      name: string,
      state: number,
      options: { message?: string | undefined; timestamp?: string | undefined; republish?: boolean | undefined },
    ): Promise<Receipt>
  }
  readonly events: {
    publish(
      message: string,
      options: { level?: 'error' | 'warning' | 'info' | undefined; timestamp?: string | undefined },
    ): Promise<Receipt>
  }
  readonly location: { publish(position: LocalPosition): Promise<Receipt> }
  readonly files: {
    upload(
      path: string,
      options: UploadOptions,
    ): Promise<{ readonly bytes: number; readonly files: readonly unknown[] }>
    download(
      name: string,
      destination: string,
      options: UploadOptions,
    ): Promise<{ readonly bytes: number; readonly path: string }>
  }
  readonly diagnostics: { ping(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<number> }
}

interface LocalPosition {
  readonly latitude: number
  readonly longitude: number
  readonly heading?: number | undefined
  readonly altitude?: number | undefined
  readonly speed?: number | undefined
  readonly accuracy?: number | undefined
  readonly fixType?: string | undefined
  readonly timestamp?: string | undefined
}

type Help = Parameters<RequestHandler>[1]

/** What the local socket understands: `status`, `log`, `ping`, `publish`, `upload`, `download` and `relay end`. */
export function localRequests(parts: {
  client: LocalClient
  status: () => Promise<JsonObject>
  /** The last lines of the log, secrets hidden. */
  log: () => string
  /** Ends one session of remote access by its id, or `all`; answers how many. */
  endRelays: (id: string) => Promise<number>
}): RequestHandler {
  const { client, status, log, endRelays } = parts
  return async (request, help) => {
    switch (request.do) {
      case 'status':
        return status()
      case 'log':
        return { text: log() }
      case 'ping':
        return { roundTripMs: await client.diagnostics.ping({ signal: help.signal }) }
      case 'publish':
        return publish(client, request, help)
      case 'upload':
        return upload(client, request, help)
      case 'download':
        return download(client, request, help)
      case 'relay end':
        return { ended: await endRelays(textField(request.body, 'session')) }
      default:
        throw new AgentError(
          'INVALID_ARGUMENT',
          `"do" must be status, log, ping, publish, upload, download or relay end, not "${request.do.slice(0, 64)}"`,
        )
    }
  }
}

/** Resolves when the sample is taken charge of; with `waitS` when the cloud has accepted it. */
async function publish(client: LocalClient, { body }: LocalRequest, { signal }: Help): Promise<JsonObject> {
  const timeoutMs = optionalSeconds(body, 'waitS')
  const receipt = await publishSample(client, body)
  if (timeoutMs === undefined) return { accepted: true, delivered: false }
  await receipt.delivered({ timeoutMs, signal })
  return { accepted: true, delivered: true }
}

function publishSample(client: LocalClient, body: JsonObject): Promise<Receipt> {
  const timestamp = optionalText(body, 'timestamp')
  const kind = textField(body, 'kind')
  switch (kind) {
    case 'telemetry': {
      const corrId = optionalText(body, 'corrId')
      return client.telemetry.publish(textField(body, 'name'), numberField(body, 'value'), { timestamp, corrId })
    }
    case 'attribute':
      return client.attributes.publish(textField(body, 'name'), textField(body, 'text'), { timestamp })
    case 'alarm': {
      const message = optionalText(body, 'message')
      const republish = optionalBoolean(body, 'republish')
      return client.alarms.publish(textField(body, 'name'), numberField(body, 'state'), {
        message,
        republish,
        timestamp,
      })
    }
    case 'event':
      return client.events.publish(textField(body, 'message'), { level: eventLevel(body), timestamp })
    case 'location':
      return client.location.publish({
        latitude: numberField(body, 'latitude'),
        longitude: numberField(body, 'longitude'),
        heading: optionalNumber(body, 'heading'),
        altitude: optionalNumber(body, 'altitude'),
        speed: optionalNumber(body, 'speed'),
        accuracy: optionalNumber(body, 'accuracy'),
        fixType: optionalText(body, 'fixType'),
        timestamp,
      })
    default:
      throw new AgentError('INVALID_ARGUMENT', '"kind" must be telemetry, attribute, alarm, event or location')
  }
}

function eventLevel(body: JsonObject): 'error' | 'warning' | 'info' | undefined {
  const level = optionalText(body, 'level')
  if (level === undefined || level === 'error' || level === 'warning' || level === 'info') return level
  throw new AgentError('INVALID_ARGUMENT', '"level" must be error, warning or info')
}

async function upload(client: LocalClient, { body }: LocalRequest, help: Help): Promise<JsonObject> {
  const path = absolutePath(body, 'path')
  const name = optionalText(body, 'name')
  const { bytes, files } = await client.files.upload(path, {
    ...transferOptions(client, body, help),
    ...(name === undefined ? {} : { name }),
  })
  return { path, bytes, files: files.length }
}

async function download(client: LocalClient, { body }: LocalRequest, help: Help): Promise<JsonObject> {
  const destination = absolutePath(body, 'destination')
  const { bytes, path } = await client.files.download(
    textField(body, 'name'),
    destination,
    transferOptions(client, body, help),
  )
  return { path, bytes }
}

/** The manager's current folder is not that of the program that asks. */
function absolutePath(body: JsonObject, name: string): string {
  const path = textField(body, name)
  if (!isAbsolute(path) || path.includes('\0'))
    throw new AgentError('INVALID_ARGUMENT', `"${name}" must be an absolute path`)
  return path
}

function transferOptions({ isConnected }: LocalClient, body: JsonObject, { signal, progress }: Help) {
  // A transfer waits for the link, and who asked for it should not wonder.
  if (!isConnected) progress({ waitsFor: 'link' })
  const timeoutMs = optionalSeconds(body, 'timeoutS')
  return {
    global: optionalBoolean(body, 'global') ?? false,
    signal,
    onProgress: ({ transferredBytes, totalBytes }: TransferProgress) => progress({ transferredBytes, totalBytes }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
}
