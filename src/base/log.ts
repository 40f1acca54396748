// SPDX-License-Identifier: Apache-2.0
import type { Clock } from './clock.ts'
import { escapeControls } from './control-characters.ts'
import { messageOf } from './errors.ts'
import { processSecrets, Secrets } from './secrets.ts'

export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const
/** Log levels, most important first. */
export type LogLevel = (typeof logLevels)[number]

/** Facts beside a message; plain values, printed as `key=value`. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where an application receives the agent's log lines: `console`, pino and winston fit. */
export interface Logger {
  /** Something failed for good, or an operator has to act. */
  error(message: string, fields?: LogFields): void
  /** Something failed that the agent tries again or works around. */
  warn(message: string, fields?: LogFields): void
  /** What an owner wants to know of normal work. */
  info(message: string, fields?: LogFields): void
  /** Single steps, for finding a fault. */
  debug(message: string, fields?: LogFields): void
  /** The finest steps. A logger without it does not get these lines. */
  trace?(message: string, fields?: LogFields): void
}

/** One finished line, secrets already hidden. */
export interface LogRecord {
  readonly epochMs: number
  readonly level: LogLevel
  readonly component: string
  readonly message: string
  readonly fields: LogFields
}

export type LogSink = (record: LogRecord) => void

interface Shared {
  readonly clock: Clock
  readonly sink: LogSink
  readonly secrets: Secrets
  readonly limited: Map<string, { untilMs: number; held: number }>
  level: LogLevel
}

/**
 * The most characters of a message, and of each field: an error may quote megabytes from outside, and a log must neither wear
 * the flash nor push out all other lines.
 */
export const maxLogChars = 4096

const oncePerMs = 60_000
const maxLimitedKinds = 500

/** The agent's own logger: levels, a component name, hidden secrets, and {@link Log.limited} for messages that may come in floods. */
export class Log implements Logger {
  readonly #shared: Shared
  readonly #component: string

  private constructor(shared: Shared, component: string) {
    this.#shared = shared
    this.#component = component
  }

  static create(options: { clock: Clock; sink: LogSink; level?: LogLevel }): Log {
    const { clock, sink, level = 'info' } = options
    return new Log({ clock, sink, secrets: new Secrets(), limited: new Map(), level }, 'agent')
  }

  /** A logger that shares level, sink and secrets but writes under another component name. */
  child(component: string): Log {
    return new Log(this.#shared, component)
  }

  get level(): LogLevel {
    return this.#shared.level
  }

  set level(level: LogLevel) {
    this.#shared.level = level
  }

  /** From now on `secret` appears as `[hidden]` in every line of this logger and its children. */
  hide(secret: string | undefined): void {
    this.#shared.secrets.add(secret)
    processSecrets.add(secret)
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }

  trace(message: string, fields?: LogFields): void {
    this.#write('trace', message, fields)
  }

  /** Writes at most one line per `kind` and minute; the next one says how many were held back (`repeated=N`). */
  limited(kind: string, level: LogLevel, message: string, fields: LogFields = {}): void {
    const { clock, limited } = this.#shared
    const nowMs = clock.monotonicMs()
    const entry = limited.get(kind)
    if (entry !== undefined && nowMs < entry.untilMs) {
      entry.held++
      return
    }
    if (entry === undefined && limited.size >= maxLimitedKinds) {
      for (const [name, { untilMs }] of limited) if (nowMs >= untilMs) limited.delete(name)
      if (limited.size >= maxLimitedKinds) return
    }
    limited.set(kind, { untilMs: nowMs + oncePerMs, held: 0 })
    this.#write(level, message, entry !== undefined && entry.held > 0 ? { ...fields, repeated: entry.held } : fields)
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { sink, clock } = this.#shared
    if (logLevels.indexOf(level) > logLevels.indexOf(this.#shared.level)) return
    const hidden = Object.entries(fields).map(([key, value]) => [key, this.#hideIn(value)] as const)
    const fieldsHidden = Object.fromEntries(hidden)
    sink({
      epochMs: clock.now(),
      level,
      component: this.#component,
      message: this.#hideText(message),
      fields: fieldsHidden,
    })
  }

  #hideIn(value: unknown): unknown {
    if (value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean') return value
    if (typeof value === 'string') return this.#hideText(value)
    return this.#hideText(value instanceof Error ? messageOf(value) : textOf(value))
  }

  #hideText(text: string): string {
    const hidden = this.#shared.secrets.hideIn(text)
    // Cut after the secrets are hidden: half of a secret would not be recognised.
    return hidden.length <= maxLogChars
      ? hidden
      : `${hidden.slice(0, maxLogChars)} … (${hidden.length} characters, cut)`
  }
}

/** A value that JSON cannot hold must not cost the log line, let alone the process. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return '[not JSON]'
  }
}

/** A record as one line of text: `2024-03-05T10:11:12.000Z INFO  link: connected host=cloud.example.test`. */
export function formatLogRecord(record: LogRecord): string {
  const fields = Object.entries(record.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${quoteField(String(value))}`)
  const time = new Date(record.epochMs).toISOString()
  const oneLine = escapeControls(record.message)
  return `${time} ${record.level.toUpperCase().padEnd(5)} ${record.component}: ${oneLine}${fields.join('')}`
}

function quoteField(text: string): string {
  return /^[\w.:/@+-]+$/.test(text) ? text : JSON.stringify(text)
}
