import type { Setting, SettingType } from './setting.ts'

const port = { kind: 'integer', min: 1, max: 65_535 } as const satisfies SettingType
const yesNo = { kind: 'boolean' } as const satisfies SettingType
/** The names of Python's logging are accepted, in any case. */
const logLevel = {
  kind: 'choice',
  choices: ['error', 'warn', 'info', 'debug', 'trace'],
  aliases: { critical: 'error', fatal: 'error', warning: 'warn', all: 'trace', notset: 'trace' },
} as const satisfies SettingType
const relative = 'A relative path starts at the folder of the file that names it.'

const action = <const Name extends string>(name: Name, sentence: string) =>
  ({
    key: `actions_enabled.${name}`,
    file: 'iot',
    type: yesNo,
    default: true,
    closed: false,
    sentence,
  }) as const satisfies Setting

/** The one table of settings. Defaults, checks, environment names, `config show`, the example file and the table of share/reference/settings.md come from it. */
const rows = [
  { key: 'cloud.host', file: 'connect', type: { kind: 'host' }, required: true, sentence: 'Host name of the cloud.' },
  { key: 'cloud.port', file: 'connect', type: port, required: true, sentence: 'Port of the cloud: 8883, 443 or 1883.' },
  {
    key: 'cloud.token',
    file: 'connect',
    type: { kind: 'text' },
    required: true,
    secret: true,
    sentence: 'Application token: the password of the login.',
  },
  {
    key: 'cloud.transport',
    file: 'connect',
    type: { kind: 'choice', choices: ['mqtt', 'mqtts', 'wss'] },
    sentence: 'By port when absent: 443 wss, 8883 mqtts, 1883 mqtt (no TLS). Any other port must say it.',
  },
  {
    key: 'cloud.tls',
    file: 'connect',
    type: { kind: 'choice', choices: ['modern', 'compatible'] },
    neverEmpty: true,
    sentence:
      'modern: TLS 1.3, or 1.2 with ECDHE and AEAD, and a certificate with a SAN. compatible, and with a warning when absent: also CBC suites, and CN-only under ca_bundle_file; see share/explanation/tls.md.',
  },
  {
    key: 'cloud.file_xfer_host',
    file: 'connect',
    type: { kind: 'host' },
    sentence: 'Host of the file service when it is not cloud.host.',
  },
  {
    key: 'cloud.file_xfer_port',
    file: 'connect',
    type: port,
    sentence: 'Port of the file service when it is not 443.',
  },
  {
    key: 'proxy.type',
    file: 'connect',
    type: {
      kind: 'choice',
      choices: ['http', 'socks4', 'socks5'],
      aliases: { socks4a: 'socks4', socks5h: 'socks5' },
    },
    sentence: 'The proxy resolves names. Without this setting there is no proxy.',
  },
  { key: 'proxy.host', file: 'connect', type: { kind: 'host' }, sentence: 'Host name or address of the proxy.' },
  { key: 'proxy.port', file: 'connect', type: port, sentence: 'Port of the proxy.' },
  { key: 'proxy.username', file: 'connect', type: { kind: 'text' }, sentence: 'User name for the proxy.' },
  {
    key: 'proxy.password',
    file: 'connect',
    type: { kind: 'text' },
    secret: true,
    sentence: 'Password for the proxy.',
  },
  {
    key: 'qos_level',
    file: 'connect',
    type: { kind: 'integer', min: 0, max: 1 },
    default: 1,
    sentence: 'MQTT quality of service of what the agent publishes.',
  },
  {
    key: 'validate_cloud_cert',
    file: 'connect',
    type: yesNo,
    default: true,
    sentence: 'false accepts any certificate, so that anybody on the way can read and change everything.',
  },
  {
    key: 'ca_bundle_file',
    file: 'connect',
    type: { kind: 'path' },
    sentence: `PEM file of the certificate authorities to trust instead of the built-in ones. ${relative}`,
  },
  {
    key: 'keep_alive',
    file: 'connect',
    type: { kind: 'number', min: 0, max: 31_536_000 },
    default: 0,
    unit: 'seconds',
    sentence: 'The process ends after this long without a link; 0 = it never gives up.',
  },
  { key: 'log_level', file: 'connect', type: logLevel, default: 'info', sentence: 'Least important line to log.' },
  {
    key: 'log_file',
    file: 'connect',
    type: { kind: 'path' },
    sentence: `Also log to this file, which is rotated. ${relative}`,
  },
  { key: 'use_syslog', file: 'connect', type: yesNo, default: false, sentence: 'Also log to syslog.' },
  { key: 'quiet', file: 'connect', type: yesNo, default: false, sentence: 'Log nothing to the terminal.' },
  {
    key: 'queue.durability',
    file: 'connect',
    type: { kind: 'choice', choices: ['spill', 'always', 'memory'] },
    default: 'spill',
    sentence: 'When samples go to disk: without a link and at the end (spill), each one (always), never (memory).',
  },
  {
    key: 'queue.max_bytes',
    file: 'connect',
    type: { kind: 'integer', min: 65_536, max: 2 ** 40 },
    default: 16_777_216,
    unit: 'bytes',
    sentence: 'Most that may wait for the cloud; beyond it the oldest of the least important is dropped and counted.',
  },
  {
    key: 'queue.directory',
    file: 'connect',
    type: { kind: 'path' },
    sentence: `Folder for samples and answers that wait on flash; default: queue in the folder of the configuration. ${relative}`,
  },
  {
    key: 'ota.public_keys',
    file: 'connect',
    type: { kind: 'keys' },
    default: [],
    sentence:
      'Public keys whose signature on an update package is accepted, as "device-cloud ota keygen" prints them. One is enough for ota.require_signature.',
  },
  {
    key: 'ota.require_signature',
    file: 'connect',
    type: yesNo,
    default: false,
    closed: true,
    sentence:
      'Refuse update packages without an accepted signature; true as soon as ota.public_keys names a key. file_transfer.allow is [] then, if it is absent.',
  },
  {
    key: 'ota.names',
    file: 'connect',
    type: { kind: 'texts' },
    default: [],
    sentence:
      'Names that a package may have where a signature is required, besides those of signed packages that were installed; none: the first one decides.',
  },
  {
    key: 'remote_access.allow',
    file: 'connect',
    type: { kind: 'addresses' },
    default: [],
    sentence: 'HOST:PORT that remote access may reach besides the services of remote_access_support on this device.',
  },
  {
    key: 'remote_access.relay_hosts',
    file: 'connect',
    type: { kind: 'hosts' },
    sentence:
      'Hosts and addresses, or *.DOMAIN, where the relay may be; default: cloud.host, its sub-domains and its siblings, see share/explanation/remote-access.md.',
  },
  {
    key: 'remote_access.max_sessions',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: 100 },
    default: 4,
    sentence: 'Most sessions of remote access at a time.',
  },
  {
    key: 'remote_access.max_channels',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: 256 },
    default: 16,
    sentence: 'Most connections of one session at a time.',
  },
  {
    key: 'remote_access.idle_timeout',
    file: 'connect',
    type: { kind: 'integer', min: 0, max: 31_536_000 },
    default: 1800,
    unit: 'seconds',
    sentence: 'A session without a byte of data for so long ends; 0 = never.',
  },
  {
    key: 'remote_access.max_duration',
    file: 'connect',
    type: { kind: 'integer', min: 0, max: 31_536_000 },
    default: 43_200,
    unit: 'seconds',
    sentence: 'A session ends after so long in any case; 0 = never.',
  },
  {
    key: 'file_transfer.allow',
    file: 'connect',
    type: { kind: 'paths' },
    default: ['/'],
    sentence:
      'Folders in which file actions may use absolute paths. Absent, it is everywhere, as in the Python agent, or nowhere with ota.require_signature.',
  },
  {
    key: 'file_transfer.max_bytes',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER },
    neverEmpty: true,
    unit: 'bytes',
    sentence:
      'Largest file that a download may bring. When absent: what the disk has room for, and 1 GiB where neither the cloud nor the file service tells the size.',
  },
  {
    key: 'loop_time',
    file: 'connect',
    type: { kind: 'number', min: 0, max: Number.MAX_SAFE_INTEGER },
    ignored: true,
    sentence: 'Accepted for old files; without effect, because nothing is polled.',
  },
  {
    key: 'thread_count',
    file: 'connect',
    type: { kind: 'number', min: 0, max: Number.MAX_SAFE_INTEGER },
    ignored: true,
    sentence: 'Accepted for old files; without effect, because there are no worker threads.',
  },
  {
    key: 'runtime_dir',
    file: 'iot',
    type: { kind: 'path' },
    default: 'runtime',
    sentence: `Folder for uploads, downloads, updates and state. ${relative}`,
  },
  {
    key: 'log_level',
    file: 'iot',
    type: logLevel,
    sentence: 'Least important line to log; goes before the one of the connection file.',
  },
  action('file_transfers', 'file_download and file_upload.'),
  action('shutdown_device', 'shutdown_device.'),
  action('reboot_device', 'reboot_device.'),
  action('remote_login', 'remote-access.'),
  action('decommission_device', 'decommission_device.'),
  action('software_update', 'software_update.'),
  action('reset_agent', 'reset_agent, quit and ping.'),
  action('restore_factory_images', 'Accepted for old files; there is no such action.'),
  action('dump_log_files', 'Accepted for old files; there is no such action.'),
  {
    key: 'wait_for_file_transfer',
    file: 'iot',
    type: yesNo,
    default: true,
    sentence: 'File actions are acknowledged when the transfer has ended; false = when it has begun.',
  },
  {
    key: 'download_timeout',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 31_536_000 },
    default: 15,
    unit: 'seconds',
    sentence: 'Longest that file_download waits for its transfer.',
  },
  {
    key: 'upload_remove_on_success',
    file: 'iot',
    type: yesNo,
    default: true,
    sentence: 'Remove a file of the upload folder when the cloud has it.',
  },
  {
    key: 'upload_tar_file',
    file: 'iot',
    type: yesNo,
    default: true,
    sentence: 'Upload a folder as one tar archive; false = file by file.',
  },
  {
    key: 'upload_additional_dirs',
    file: 'iot',
    type: { kind: 'texts' },
    ignored: true,
    sentence: 'Accepted for old files; file_transfer.allow decides instead.',
  },
  {
    key: 'thing_friendly_name',
    file: 'iot',
    type: { kind: 'text' },
    sentence: 'Name of the thing in the cloud; "None" leaves it alone.',
  },
  {
    key: 'health_interval',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 31_536_000 },
    default: 0,
    unit: 'seconds',
    sentence: 'Publish load, memory, disk, temperature and uptime so often; 0 = never, as the Python agent.',
  },
  {
    key: 'memory_soft_limit',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 1_048_576 },
    unit: 'MB',
    sentence:
      'Private memory (RssAnon) above which the manager, when nothing else helps, restarts in good order; 0 = never; default: a third of the memory of the machine, 32 to 256.',
  },
  {
    key: 'discover_services_on_init',
    file: 'iot',
    type: yesNo,
    default: true,
    sentence: 'Look at start which services of remote_access_support listen, and publish them.',
  },
  {
    key: 'remote_access_support',
    file: 'iot',
    type: { kind: 'services' },
    sentence:
      'Services that remote access may reach: a list of {"name", "port", "session_timeout", "command", "user"}, see share/explanation/remote-access.md.',
  },
] as const satisfies readonly Setting[]

export const settingsTable: readonly Setting[] = rows
/** A row as it stands here, for the types that are made of it. */
export type SettingRow = (typeof rows)[number]

/** The rows of one file. */
export function settingsOf(file: Setting['file']): readonly Setting[] {
  return settingsTable.filter(setting => setting.file === file)
}

/** Environment variable of a setting: `cloud.host` → `DEVICE_CLOUD_CLOUD_HOST`. */
export function environmentName(key: string): string {
  return `DEVICE_CLOUD_${key.toUpperCase().replaceAll('.', '_')}`
}
