// SPDX-License-Identifier: Apache-2.0
import type { CommandEntry } from './shell/command.ts'

/**
 * Every command, in the order of the help. A new command is a file in `commands/` and a row here; the help and the documentation of
 * the commands come from this table. The summaries are repeated here, so that the help loads no command.
 */
export const commandEntries: readonly CommandEntry[] = [
  {
    name: 'manager',
    summary: 'Run the device manager in the foreground until a signal stops it.',
    load: () => import('./commands/manager.ts'),
  },
  {
    name: 'config generate',
    summary: 'Write a connection file. Without flags it asks for the values.',
    load: () => import('./commands/config-generate.ts'),
  },
  {
    name: 'config check',
    summary: 'Name every mistake in the configuration, with its file, line and remedy.',
    load: () => import('./commands/config-check.ts'),
  },
  {
    name: 'config show',
    summary: 'Print the effective settings and where each comes from, with secrets hidden.',
    load: () => import('./commands/config-show.ts'),
  },
  {
    name: 'check',
    summary: 'Check each step of the way to the cloud: system, name, proxy, TCP, TLS, login and so on.',
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'status',
    summary: 'Show what the running device manager is doing.',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'diag',
    summary: 'Make one archive of all facts that support needs, without secrets.',
    load: () => import('./commands/diag.ts'),
  },
  {
    name: 'relay end',
    summary: 'End a session of remote access.',
    load: () => import('./commands/relay-end.ts'),
  },
  {
    name: 'publish telemetry',
    summary: 'Publish a number through the running device manager.',
    load: () => import('./commands/publish-telemetry.ts'),
  },
  {
    name: 'publish attribute',
    summary: 'Publish an attribute text through the running device manager.',
    load: () => import('./commands/publish-attribute.ts'),
  },
  {
    name: 'publish alarm',
    summary: 'Publish an alarm state through the running device manager.',
    load: () => import('./commands/publish-alarm.ts'),
  },
  {
    name: 'publish event',
    summary: 'Publish an event text through the running device manager.',
    load: () => import('./commands/publish-event.ts'),
  },
  {
    name: 'publish location',
    summary: 'Publish a position through the running device manager.',
    load: () => import('./commands/publish-location.ts'),
  },
  {
    name: 'upload',
    summary: 'Send a file to the cloud through the running device manager.',
    load: () => import('./commands/upload.ts'),
  },
  {
    name: 'download',
    summary: 'Fetch a file from the cloud through the running device manager.',
    load: () => import('./commands/download.ts'),
  },
  {
    name: 'ota install',
    summary: 'Install an update package on this device, without a cloud.',
    load: () => import('./commands/ota-install.ts'),
  },
  {
    name: 'ota pack',
    summary: 'Make an update package from a folder, and sign it.',
    load: () => import('./commands/ota-pack.ts'),
  },
  {
    name: 'ota verify',
    summary: 'Check an update package: its content, sums, signature and expiry.',
    load: () => import('./commands/ota-verify.ts'),
  },
  {
    name: 'ota keygen',
    summary: 'Make a key pair for signing update packages.',
    load: () => import('./commands/ota-keygen.ts'),
  },
  {
    name: 'run',
    summary: 'Run your own .js, .cjs or .mjs application with the library built in.',
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'validate',
    summary: 'Check every feature of the library against a real cloud, as a device and as an operator.',
    load: () => import('./commands/validate.ts'),
  },
  {
    name: 'service install',
    summary: 'Start the device manager at boot, under the init system of this device.',
    load: () => import('./commands/service-install.ts'),
  },
  {
    name: 'service uninstall',
    summary: 'Stop the service, and remove only what "service install" added.',
    load: () => import('./commands/service-uninstall.ts'),
  },
  {
    name: 'version',
    summary: 'Print the version, the commit and target of the build, and the version of Node.',
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'root-step',
    summary: 'Do the step that a manager without root rights has requested from root.',
    hidden: true,
    load: () => import('./commands/root-step.ts'),
  },
]
