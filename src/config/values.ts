// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import { type Closure, capabilityOf, closureOf } from './closure.ts'
import { isList, type Setting, type SettingValue } from './setting.ts'
import type { ConfigNote, ConfigProblem, Origin } from './settings.ts'
import type { Source } from './sources.ts'
import { checkValue } from './value.ts'

/** The checked values of one file's settings, each with its origin, and every mistake in them. */
export class Values {
  readonly origins = new Map<string, Origin>()
  readonly problems: ConfigProblem[] = []
  readonly notes: ConfigNote[] = []
  readonly #configDir: string
  readonly #values = new Map<string, SettingValue>()

  /**
   * Asks the sources, the highest precedence first; the first that has a setting decides.
   *
   * @param configDir where a path that is a default starts
   */
  constructor(settings: readonly Setting[], sources: readonly Source[], configDir: string) {
    this.#configDir = configDir
    for (const setting of settings) {
      if (setting.type.kind !== 'services') this.#collect(setting, sources)
    }
  }

  #collect(setting: Setting, sources: readonly Source[]): void {
    for (const source of sources) {
      const found = source(setting)
      if (found === undefined) continue
      const { key } = setting
      if (setting.ignored) {
        this.notes.push({ level: 'debug', ...found.where, key, problem: 'has no effect', remedy: setting.sentence })
        return
      }
      this.origins.set(key, found.origin)
      if (found.isAmbiguous) {
        const problem = 'is given twice, in two spellings, with different values'
        this.problems.push({ ...found.where, key, problem, remedy: 'Remove one of them.' })
        return
      }
      const checked = checkValue(setting, found.raw, found.context)
      if (checked.ok) {
        this.#values.set(key, checked.value)
        return
      }
      const { expected } = checked
      const problem = checked.found === undefined ? 'has a wrong value' : `is ${checked.found}`
      this.problems.push({ ...found.where, key, problem, expected, remedy: `Write ${expected}.` })
      return
    }
    const value = this.#defaultOf(setting)
    if (value === undefined) return
    this.#values.set(setting.key, value)
    this.origins.set(setting.key, { source: 'default' })
  }

  #defaultOf({ type, default: value, ignored }: Setting): SettingValue | undefined {
    if (ignored) return undefined
    return type.kind === 'path' && typeof value === 'string' ? resolve(this.#configDir, value) : value
  }

  /** Whether a source gave a value, right or wrong. */
  isGiven(key: string): boolean {
    const source = this.origins.get(key)?.source
    return source !== undefined && source !== 'default'
  }

  /** Sets the value that the setting `from` implies. */
  derive(key: string, value: SettingValue, from: string): void {
    this.#values.set(key, value)
    this.origins.set(key, { source: 'derived', from })
  }

  /** Gives every setting of a closed capability the value that permits least. */
  close(settings: readonly Setting[], closures: readonly Closure[]): void {
    for (const setting of settings) {
      const { key, type, closed } = setting
      const capability = capabilityOf(key)
      const closure = capability === undefined ? undefined : closureOf(closures, capability)
      // A limit with a mistake permits nothing beyond its default, and what it limits is closed.
      const least = closed ?? (isList(type) ? [] : this.#values.has(key) ? undefined : this.#defaultOf(setting))
      if (closure === undefined || least === undefined) continue
      this.#values.set(key, least)
      this.origins.set(key, { source: 'closed', from: closure.problem.key ?? closure.capability })
    }
  }

  get(key: string): SettingValue | undefined {
    return this.#values.get(key)
  }

  number(key: string): number | undefined {
    const value = this.#values.get(key)
    return typeof value === 'number' ? value : undefined
  }

  /** A setting that always has a value, because the table has its default. */
  boolean(key: string): boolean {
    const value = this.#values.get(key)
    // A wrong value is among the problems, and the caller throws before it uses this.
    return typeof value === 'boolean' ? value : false
  }

  list(key: string): readonly string[] {
    const value = this.#values.get(key)
    return typeof value === 'object' ? value : []
  }
}

/** One problem in one line: `iot-connect.cfg:4:5: cloud.port is "abc": expected a whole number from 1 to 65535.` */
export function formatProblem(problem: ConfigProblem | ConfigNote): string {
  const column = 'column' in problem && problem.column !== undefined ? `:${problem.column}` : ''
  const place = `${problem.file ?? 'configuration'}${problem.line === undefined ? '' : `:${problem.line}${column}`}`
  const subject = problem.key === undefined ? problem.problem : `${problem.key} ${problem.problem}`
  const meant = problem.didYouMean === undefined ? '' : ` Did you mean "${problem.didYouMean}"?`
  return `${place}: ${subject.replace(/\.$/, '')}.${meant} ${problem.remedy}`
}

/** How many mistakes a message names. */
const maxNamed = 50

/** `CONFIG_INVALID` with every mistake in `details.problems` and the warnings in `details.warnings`. */
export function configError(
  problems: readonly ConfigProblem[],
  cause?: unknown,
  notes: readonly ConfigNote[] = [],
): AgentError {
  const [first, ...others] = problems
  const head = first === undefined ? 'The configuration is wrong.' : formatProblem(first)
  const named = problems.slice(0, maxNamed).map(formatProblem).join(' ')
  const more = problems.length > maxNamed ? ' And more, see "device-cloud config check".' : ''
  const message = others.length === 0 ? head : `${problems.length} mistakes: ${named}${more}`
  return new AgentError('CONFIG_INVALID', message, {
    cause,
    details: { problems, warnings: notes.filter(({ level }) => level === 'warn') },
  })
}
