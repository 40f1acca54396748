// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'
import type { connectionRows } from './connection-rows.ts'
import type { managerRows } from './manager-rows.ts'
import type { PropertyOf } from './property.ts'
import type { PlainValue, SettingType } from './setting.ts'

export type ConnectionRow = (typeof connectionRows)[number]
type ManagerRow = (typeof managerRows)[number]

/** What the program works with for a setting of a type. */
type ValueOf<Type> = Type extends { readonly kind: 'integer'; readonly min: 0; readonly max: 1 }
  ? 0 | 1
  : Type extends { readonly kind: 'services' }
    ? readonly RemoteAccessService[]
    : Type extends SettingType
      ? PlainValue<Type>
      : never

/** Rows whose setting always has a value. */
type Complete =
  | { readonly default: unknown }
  | { readonly required: true }
  | { readonly requiredInSection: true }
  | { readonly filled: true }

type NameIn<Section extends string, Row> = Row extends unknown
  ? PropertyOf<Row> extends `${Section}${infer Name}`
    ? Name
    : never
  : never
type Flat<Members> = { [Name in keyof Members]: Members[Name] }

/** @typeParam Section of the rows, with its dot; empty for what stands in none */
type MembersOf<Row extends { readonly type: unknown }, Section extends string> = Flat<
  {
    readonly [One in Extract<Row, Complete> as NameIn<Section, One>]: ValueOf<One['type']>
  } & {
    readonly [One in Exclude<Row, Complete> as NameIn<Section, One>]?: ValueOf<One['type']>
  }
>

type InSection<Row> = Row extends unknown ? (PropertyOf<Row> extends `${string}.${string}` ? Row : never) : never
type SectionOf<Row> = Row extends unknown ? (PropertyOf<Row> extends `${infer Name}.${string}` ? Name : never) : never
type RowsIn<Row, Section extends string> = Row extends unknown
  ? PropertyOf<Row> extends `${Section}.${string}`
    ? Row
    : never
  : never
/** A section with a setting that is required in it may be absent as a whole. */
type OptionalSection<Row> = SectionOf<Extract<Row, { readonly requiredInSection: true }>>

type SettingsOf<Row extends { readonly type: unknown }> = Flat<
  MembersOf<Exclude<Row, InSection<Row>>, ''> & {
    readonly [Section in Exclude<SectionOf<Row>, OptionalSection<Row>>]: MembersOf<RowsIn<Row, Section>, `${Section}.`>
  } & {
    readonly [Section in OptionalSection<Row>]?: MembersOf<RowsIn<Row, Section>, `${Section}.`>
  }
>

type Effective<Row> = Exclude<Row, { readonly ignored: true }>

/** The effective connection settings of one client, checked and complete. The sentence in its row of the table says what each means. */
export type Settings = SettingsOf<Effective<ConnectionRow>>

type Switch = { readonly property: `actionsEnabled.${string}` }

/** The device manager's own settings (`iot.cfg`), checked and complete. */
export type ManagerSettings = SettingsOf<Exclude<Effective<ManagerRow>, Switch>> & {
  /** Keys as in `iot.cfg`: `file_transfers`, `shutdown_device`, … Every known key is present, and those that the owner adds. */
  readonly actionsEnabled: Readonly<Record<string, boolean>>
}

/** The settings of each file. */
export interface SettingsByFile {
  readonly connect: Settings
  readonly iot: ManagerSettings
}

/** How MQTT travels: plain TCP, TLS, or a WebSocket over TLS. */
export type Transport = Settings['cloud']['transport']

/** The proxy that carries every connection of the agent. */
export type ProxySettings = NonNullable<Settings['proxy']>

/** One entry of `remote_access_support`. */
export interface RemoteAccessService {
  readonly name: string
  readonly port: number
  readonly sessionTimeoutS?: number
  /** Program and arguments, run without a shell for each connection; absent when something listens on the port. */
  readonly command?: readonly string[]
  /** The user that the command runs as; absent: the agent's own. */
  readonly user?: string
  /** The entry as it stands in the file, for the attribute that is published, without `command` and `user`. */
  readonly raw: JsonObject
}

/** Who hands in settings that go before the environment and the files, as messages name it. */
export type Giver = 'command line' | 'the settings given to the client'

/**
 * Where the value of a setting came from; `derived` means from another setting (the transport from the port), `closed` that
 * a mistake in the setting `from` permits no more than this.
 */
export type Origin =
  | { readonly source: 'default' }
  | { readonly source: 'given'; readonly by: Giver }
  | { readonly source: 'derived' | 'closed'; readonly from: string }
  | { readonly source: 'environment'; readonly name: string }
  | { readonly source: 'file'; readonly file: string; readonly line: number }

/** Key of the table → where its value came from. Settings that have no value are absent. */
export type Origins = ReadonlyMap<string, Origin>

/** Something worth reporting that does not end the start. */
export interface ConfigNote {
  readonly level: 'warn' | 'debug'
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly key?: string | undefined
  readonly problem: string
  readonly remedy: string
  readonly didYouMean?: string | undefined
}

/** One mistake in the configuration. Never holds the value of a secret. */
export interface ConfigProblem {
  /** Path of the file, `environment`, an environment variable, or a {@link Giver}. */
  readonly file: string
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly key?: string | undefined
  readonly problem: string
  readonly expected?: string | undefined
  readonly remedy: string
  readonly didYouMean?: string | undefined
}
