// SPDX-License-Identifier: Apache-2.0
import { newId } from '../values/ids.ts'
import { compact, type JsonObject } from '../values/json.ts'
import { flag, optionalInteger, optionalText } from '../values/params.ts'
import { type Moment, now, optionalMoment } from '../values/timestamp.ts'
import { durationMs } from './series.ts'
import type { Thing } from './things.ts'

/** Levels of an event [TR50 3.5]. */
export const logLevel = { error: 0, warning: 1, info: 2 } as const

/** Kinds of an entry: a device published it, or the cloud itself wrote it. */
export const logType = { published: 0, security: 1, system: 2 } as const

interface LogEntry extends Moment {
  readonly id: string
  readonly thingId?: string | undefined
  readonly thingKey?: string | undefined
  readonly thingName?: string | undefined
  readonly type: number
  readonly level: number
  readonly corrId?: string | undefined
  readonly msg: string
}

const maxEntries = 50_000

/** The newest {@link maxEntries} events of all things. */
export class Logs {
  #entries: LogEntry[] = []

  add(
    entry: { msg: string; level: number; type?: number; corrId?: string | undefined; at?: Moment },
    thing?: Thing | undefined,
  ): void {
    const { at = now(), type = logType.published, msg, level, corrId } = entry
    this.#entries.push({
      ...at,
      id: newId(),
      type,
      level,
      msg,
      corrId,
      thingId: thing?.id,
      thingKey: thing?.key,
      thingName: thing?.name,
    })
    if (this.#entries.length > maxEntries * 1.25) this.#entries = this.#entries.slice(-maxEntries)
  }

  /** All entries that match, oldest first unless `newestFirst` is set. */
  list(params: JsonObject, thing?: Thing): readonly JsonObject[] {
    const last = optionalText(params, 'last')
    const startMs = last === undefined ? optionalMoment(params, 'start')?.ms : Date.now() - durationMs(last)
    const endMs = last === undefined ? optionalMoment(params, 'end')?.ms : undefined
    const level = optionalInteger(params, 'level')
    const type = optionalInteger(params, 'type')
    const corrId = optionalText(params, 'corrId')
    const newestFirst = flag(params, 'newestFirst')
    const rows = this.#entries.filter(
      entry =>
        (thing === undefined || entry.thingId === thing.id) &&
        (startMs === undefined || entry.ms >= startMs) &&
        (endMs === undefined || entry.ms <= endMs) &&
        (level === undefined || entry.level === level) &&
        (type === undefined || entry.type === type) &&
        (corrId === undefined || entry.corrId === corrId),
    )
    rows.sort((one, other) => (newestFirst ? other.ms - one.ms : one.ms - other.ms))
    return rows.map(({ ms: _, ...fields }) => compact(fields))
  }
}
