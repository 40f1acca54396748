// SPDX-License-Identifier: Apache-2.0
import { logLevel, relative, yesNo } from './row-types.ts'
import type { Setting } from './setting.ts'

/** A switch keeps the name that it has in the file: the owner of a device adds some of their own. */
const action = <const Name extends string>(name: Name, sentence: string) =>
  ({
    key: `actions_enabled.${name}`,
    property: `actionsEnabled.${name}`,
    file: 'iot',
    type: yesNo,
    default: true,
    closed: false,
    reload: 'live',
    sentence,
  }) as const satisfies Setting

/** The settings of `iot.cfg`, the device manager's own. */
export const managerRows = [
  {
    key: 'runtime_dir',
    file: 'iot',
    type: { kind: 'path' },
    default: 'runtime',
    reload: 'restart',
    sentence: `Folder for uploads, downloads, updates and state. ${relative}`,
  },
  {
    key: 'log_level',
    file: 'iot',
    type: logLevel,
    reload: 'live',
    sentence: 'As in the connection file, over which it takes precedence.',
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
    reload: 'live',
    sentence: 'Answer file actions when the transfer has ended; false = when it has begun.',
  },
  {
    key: 'download_timeout',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 31_536_000 },
    default: 15,
    unit: 'seconds',
    reload: 'live',
    sentence: 'Longest time that file_download waits for its transfer.',
  },
  {
    key: 'upload_remove_on_success',
    file: 'iot',
    type: yesNo,
    default: true,
    reload: 'live',
    sentence: 'Remove a file from the upload folder when the cloud has stored it.',
  },
  {
    key: 'upload_tar_file',
    file: 'iot',
    type: yesNo,
    default: true,
    reload: 'live',
    sentence: 'Upload a folder as one tar archive; false = as single files.',
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
    absent: 'None',
    reload: 'live',
    sentence: 'Name of the thing in the cloud; "None" leaves the name there unchanged.',
  },
  {
    key: 'health_interval',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 31_536_000 },
    default: 0,
    unit: 'seconds',
    reload: 'live',
    sentence:
      'Time between two publications of load, memory, disk, temperature and uptime; 0 = never, as in the Python agent.',
  },
  {
    key: 'memory_soft_limit',
    file: 'iot',
    type: { kind: 'number', min: 0, max: 1_048_576 },
    unit: 'MB',
    reload: 'live',
    sentence:
      'Private memory (RssAnon) above which the manager, when nothing else helps, restarts in an orderly way; 0 = never. Default: a third of the memory of the machine, but 32 to 256.',
  },
  {
    key: 'discover_services_on_init',
    file: 'iot',
    type: yesNo,
    default: true,
    reload: 'live',
    sentence: 'At start and at a reload, find out which services of remote_access_support listen, and publish them.',
  },
  {
    key: 'remote_access_support',
    file: 'iot',
    type: { kind: 'services' },
    filled: true,
    reload: 'live',
    sentence:
      'Services that remote access may reach: a list of {"name", "port", "session_timeout", "command", "user"}, see share/explanation/remote-access.md.',
  },
] as const satisfies readonly Setting[]
