// SPDX-License-Identifier: Apache-2.0
import { isAbsolute } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import type { DownloadOptions, TransferProgress, UploadOptions } from '../../services/files/types.ts'
import type { RequestHandler } from './connection.ts'
import { checkMembers, optionalBoolean, optionalSeconds, optionalText, optionalTexts, textField } from './fields.ts'
import type { LocalRequest } from './message.ts'
import { publishSample, type SampleClient } from './samples.ts'

/** The slice of the client that the local socket offers to other programs of this device. */
export interface LocalClient extends SampleClient {
  readonly isConnected: boolean
  readonly files: {
    upload(
      path: string,
      options: UploadOptions,
    ): Promise<{ readonly bytes: number; readonly files: readonly unknown[] }>
    download(
      name: string,
      destination: string,
      options: DownloadOptions,
    ): Promise<{ readonly bytes: number; readonly path: string }>
  }
  readonly diagnostics: { ping(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<number> }
}

const transferMembers = ['global', 'timeoutS']
/** The members of each request besides `v`, `id` and `do`. */
const members: ReadonlyMap<string, readonly string[]> = new Map([
  ['status', []],
  ['log', []],
  ['ping', []],
  ['upload', ['path', 'name', 'public', 'tags', 'secTags', 'logComplete', ...transferMembers]],
  ['download', ['name', 'destination', ...transferMembers]],
  ['relay end', ['session']],
])

type Help = Parameters<RequestHandler>[1]

/** The requests of the local socket: `status`, `log`, `ping`, `publish`, `upload`, `download` and `relay end`. */
export function localRequests(parts: {
  client: LocalClient
  status: () => Promise<JsonObject>
  /** The last lines of the log, secrets hidden. */
  log: () => string
  /** Ends one session of remote access by its id, or `all`; resolves to how many. */
  endRelays: (id: string) => Promise<number>
}): RequestHandler {
  const { client, status, log, endRelays } = parts
  return async (request, help) => {
    const names = members.get(request.do)
    // The members of a sample depend on its kind.
    if (names !== undefined) checkMembers(`"${request.do}"`, request.body, names)
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
          `"do" must be status, log, ping, publish, upload, download or relay end, not "${request.do.slice(0, 64)}".`,
        )
    }
  }
}

/** Resolves when the outbox has the sample; with `waitS` when the cloud has accepted it. */
async function publish(client: LocalClient, { body }: LocalRequest, { signal }: Help): Promise<JsonObject> {
  const timeoutMs = optionalSeconds(body, 'waitS')
  const receipt = await publishSample(client, body)
  if (timeoutMs === undefined) return { accepted: true, delivered: false }
  await receipt.delivered({ timeoutMs, signal })
  return { accepted: true, delivered: true }
}

async function upload(client: LocalClient, { body }: LocalRequest, help: Help): Promise<JsonObject> {
  const path = absolutePath(body, 'path')
  const { bytes, files } = await client.files.upload(path, {
    ...transferOptions(client, body, help),
    name: optionalText(body, 'name'),
    public: optionalBoolean(body, 'public'),
    tags: optionalTexts(body, 'tags'),
    secTags: optionalTexts(body, 'secTags'),
    logComplete: optionalBoolean(body, 'logComplete'),
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

/** Relative paths are refused: the manager's current folder is not that of the program that asks. */
function absolutePath(body: JsonObject, name: string): string {
  const path = textField(body, name)
  if (!isAbsolute(path) || path.includes('\0'))
    throw new AgentError('INVALID_ARGUMENT', `"${name}" must be an absolute path.`)
  return path
}

function transferOptions({ isConnected }: LocalClient, body: JsonObject, { signal, progress }: Help) {
  // A transfer waits for the link: the caller is shown why nothing happens.
  if (!isConnected) progress({ waitsFor: 'link' })
  const timeoutMs = optionalSeconds(body, 'timeoutS')
  return {
    global: optionalBoolean(body, 'global') ?? false,
    signal,
    onProgress: ({ transferredBytes, totalBytes }: TransferProgress) => progress({ transferredBytes, totalBytes }),
    timeoutMs,
  }
}
