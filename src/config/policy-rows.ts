// SPDX-License-Identifier: Apache-2.0
import { yesNo } from './row-types.ts'
import type { Setting } from './setting.ts'

/** The settings of the connection file that decide what the cloud may do with this device. */
export const policyRows = [
  {
    key: 'ota.public_keys',
    file: 'connect',
    type: { kind: 'keys' },
    default: [],
    reload: 'live',
    sentence:
      'Public keys, as "device-cloud ota keygen" prints them: an update package signed with one of them is accepted. A key also makes ota.require_signature true.',
  },
  {
    key: 'ota.require_signature',
    file: 'connect',
    type: yesNo,
    default: false,
    closed: true,
    reload: 'live',
    sentence:
      'Refuse update packages without an accepted signature. When absent, it is true as soon as ota.public_keys names a key. Where it is true, an absent file_transfer.allow means [].',
  },
  {
    key: 'ota.names',
    file: 'connect',
    type: { kind: 'texts' },
    default: [],
    reload: 'live',
    sentence:
      'Names that a package may have where a signature is required, besides the names of signed packages that were installed. Without any, the first installed package decides.',
  },
  {
    key: 'remote_access.allow',
    file: 'connect',
    type: { kind: 'addresses' },
    default: [],
    reload: 'live',
    sentence:
      'Each HOST:PORT that remote access may reach besides the services of remote_access_support on this device.',
  },
  {
    key: 'remote_access.relay_hosts',
    file: 'connect',
    type: { kind: 'hosts' },
    reload: 'live',
    sentence:
      'Hosts, addresses or *.DOMAIN where the relay may be. Default: cloud.host, its subdomains and its siblings; see share/explanation/remote-access.md.',
  },
  {
    key: 'remote_access.max_sessions',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: 100 },
    default: 4,
    reload: 'live',
    sentence: 'Largest number of remote access sessions at a time.',
  },
  {
    key: 'remote_access.max_channels',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: 256 },
    default: 16,
    reload: 'live',
    sentence: 'Largest number of connections of one session at a time.',
  },
  {
    key: 'remote_access.idle_timeout',
    file: 'connect',
    type: { kind: 'integer', min: 0, max: 31_536_000 },
    default: 1800,
    unit: 'seconds',
    reload: 'live',
    sentence: 'A session ends after this time without data; 0 = never.',
  },
  {
    key: 'remote_access.max_duration',
    file: 'connect',
    type: { kind: 'integer', min: 0, max: 31_536_000 },
    default: 43_200,
    unit: 'seconds',
    reload: 'live',
    sentence: 'A session ends after this time in any case; 0 = never.',
  },
  {
    key: 'file_transfer.allow',
    file: 'connect',
    type: { kind: 'paths' },
    default: ['/'],
    reload: 'live',
    sentence:
      'Folders in which file actions may use absolute paths. When absent: everywhere, as in the Python agent, but nowhere with ota.require_signature.',
  },
  {
    key: 'file_transfer.max_bytes',
    file: 'connect',
    type: { kind: 'integer', min: 1, max: Number.MAX_SAFE_INTEGER },
    neverEmpty: true,
    unit: 'bytes',
    reload: 'restart',
    sentence:
      'Largest file that may be downloaded. When absent: as large as the disk has room for, or 1 GiB where neither the cloud nor the file service reports the size.',
  },
] as const satisfies readonly Setting[]
