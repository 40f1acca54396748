// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '../base/clock.ts'
import { isJsonObject, type JsonObject, parseJson } from '../base/json.ts'
import { version } from '../base/version.ts'
import type { ClientStatus } from '../client/client.ts'
import { processId } from '../platform/process/process-facts.ts'
import { heapUsedBytes, residentBytes } from '../platform/system/own-memory.ts'
import type { Trouble } from './link/index.ts'

/** The facts of a manager besides those of its client. */
export interface ManagerFacts {
  readonly startedMs: number
  readonly runtimeDir: string
  readonly configDir: string
  readonly localConnections: number
  readonly backgroundTransfers: number
  /** The live sessions of remote access. */
  readonly relays: readonly JsonObject[]
  /** The update that is under way. */
  readonly softwareUpdate?: { readonly package: string; readonly step: string } | undefined
  readonly lastTrouble: Trouble | undefined
  /** Private memory and its soft limit. */
  readonly memory: JsonObject
  /** Capabilities that mistakes in the configuration have closed. */
  readonly closed: readonly JsonObject[]
  /** Warnings about the configuration. */
  readonly warnings: readonly JsonObject[]
}

/** The answer to `device-cloud status`: plain JSON, without a secret. The writer of the answer leaves out what is undefined. */
export function statusReport(clock: Clock, client: ClientStatus, facts: ManagerFacts): JsonObject {
  const { lastTrouble } = facts
  return {
    version,
    pid: processId(),
    uptimeS: seconds(clock.monotonicMs() - facts.startedMs),
    thingKey: client.thingKey,
    configDir: facts.configDir,
    runtimeDir: facts.runtimeDir,
    link: linkReport(clock, client),
    lastError: lastTrouble === undefined ? undefined : troubleReport(lastTrouble),
    queue: toJson(client.outbox),
    requests: toJson(client.requests),
    mailbox: toJson(client.mailbox),
    runningActions: client.actions.map(({ id, name }) => ({ id, name })),
    backgroundTransfers: facts.backgroundTransfers,
    relays: facts.relays,
    softwareUpdate: facts.softwareUpdate,
    localConnections: facts.localConnections,
    flashWrites: toJson(client.flashWrites),
    memory: {
      residentBytes: residentBytes(),
      heapUsedBytes: heapUsedBytes(),
      ...facts.memory,
    },
    closed: facts.closed,
    warnings: facts.warnings,
  }
}

function linkReport(clock: Clock, { link }: ClientStatus): JsonObject {
  if (link === undefined) return { state: 'stopped' }
  const { state, attempts, reconnects, connectedAtMs, downSinceMonotonicMs, nextTryInMs, waitsAfter } = link
  const sinceMs =
    connectedAtMs !== undefined
      ? clock.now() - connectedAtMs
      : downSinceMonotonicMs === undefined
        ? undefined
        : clock.monotonicMs() - downSinceMonotonicMs
  return {
    state,
    reconnects,
    failedTries: attempts,
    forS: sinceMs === undefined ? undefined : seconds(sinceMs),
    nextTryInS: nextTryInMs === undefined ? undefined : seconds(nextTryInMs),
    waitsAfter,
  }
}

function troubleReport({ error, atEpochMs }: Trouble): JsonObject {
  const { code, message, remedy } = error
  return { code, message, remedy, at: new Date(atEpochMs).toISOString() }
}

/** An object of counters as JSON. */
function toJson(value: object | undefined): JsonObject | undefined {
  if (value === undefined) return undefined
  const copy = parseJson(JSON.stringify(value))
  return isJsonObject(copy) ? copy : {}
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1000))
}
