import type { JsonObject } from '../base/json.ts'
import type { LogLevel } from '../base/log.ts'

/** How MQTT travels: plain TCP, TLS, or a WebSocket over TLS. */
export type Transport = 'mqtt' | 'mqtts' | 'wss'

/** The proxy that carries every connection of the agent. */
export interface ProxySettings {
  readonly type: 'http' | 'socks4' | 'socks5'
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
}

/** The effective connection settings of one client, checked and complete. */
export interface Settings {
  readonly cloud: {
    readonly host: string
    readonly port: number
    readonly token: string
    readonly transport: Transport
    /** Absent: what `compatible` takes, with a warning. */
    readonly tls?: 'modern' | 'compatible'
    readonly fileXferHost?: string
    readonly fileXferPort?: number
  }
  readonly proxy?: ProxySettings
  readonly qosLevel: 0 | 1
  readonly validateCloudCert: boolean
  /** Absolute path of a PEM file. */
  readonly caBundleFile?: string
  /** Seconds without a link after which the process ends; 0 = never. */
  readonly keepAliveS: number
  readonly logLevel: LogLevel
  /** Absolute path. */
  readonly logFile?: string
  readonly useSyslog: boolean
  readonly quiet: boolean
  readonly queue: {
    readonly durability: 'spill' | 'always' | 'memory'
    readonly maxBytes: number
    /** Absolute path. */
    readonly directory?: string
  }
  readonly ota: {
    readonly publicKeys: readonly string[]
    readonly requireSignature: boolean
    /** Names that signed packages may have; empty: those that were installed, and any for the first one. */
    readonly names: readonly string[]
  }
  readonly remoteAccess: {
    /** `HOST:PORT`. */
    readonly allow: readonly string[]
    /** Names, addresses and `*.DOMAIN`; absent: where `cloud.host` is. */
    readonly relayHosts?: readonly string[]
    readonly maxSessions: number
    readonly maxChannels: number
    /** 0 = none. */
    readonly idleTimeoutS: number
    /** 0 = none. */
    readonly maxDurationS: number
  }
  readonly fileTransfer: {
    /** Absolute folders in which actions may read and write by absolute path. */
    readonly allow: readonly string[]
    /** The largest file that a download may bring. */
    readonly maxBytes?: number
  }
}

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

/** The device manager's own settings (`iot.cfg`), checked and complete. */
export interface ManagerSettings {
  /** Absolute path. */
  readonly runtimeDir: string
  readonly logLevel?: LogLevel
  /** Keys as in `iot.cfg`: `file_transfers`, `shutdown_device`, … Every known key is present. */
  readonly actionsEnabled: Readonly<Record<string, boolean>>
  readonly waitForFileTransfer: boolean
  readonly downloadTimeoutS: number
  readonly uploadRemoveOnSuccess: boolean
  readonly uploadTarFile: boolean
  readonly thingFriendlyName?: string
  /** Seconds between health samples; 0 = none. */
  readonly healthIntervalS: number
  /** 0 = none; absent: by the memory of the machine. */
  readonly memorySoftLimitMb?: number
  readonly discoverServicesOnInit: boolean
  readonly remoteAccessSupport: readonly RemoteAccessService[]
}

/**
 * Where the value of a setting came from; `derived` means from another setting (the transport from the port), `closed` that
 * a mistake in the setting `from` permits no more than this.
 */
export type Origin =
  | { readonly source: 'flag' | 'default' }
  | { readonly source: 'derived' | 'closed'; readonly from: string }
  | { readonly source: 'environment'; readonly name: string }
  | { readonly source: 'file'; readonly file: string; readonly line: number }

/** Key of the table → where its value came from. Settings that have no value are absent. */
export type Origins = ReadonlyMap<string, Origin>

/** Something worth telling that does not stop the start. */
export interface ConfigNote {
  readonly level: 'warn' | 'debug'
  readonly file?: string
  readonly line?: number
  readonly key?: string
  readonly problem: string
  readonly remedy: string
  readonly didYouMean?: string
}

/** One mistake in the configuration. Never holds the value of a secret. */
export interface ConfigProblem {
  /** Path of the file, `environment`, or `command line`. */
  readonly file: string
  readonly line?: number
  readonly column?: number
  readonly key?: string
  readonly problem: string
  readonly expected?: string
  readonly remedy: string
  readonly didYouMean?: string
}
