// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { ConfigProblem } from '../../config/settings.ts'
import type { Flag, Invocation } from '../shell/command.ts'

/** The settings that `config generate` takes from flags, by key of the settings table. Every flag of it stands here once. */
const flagsByKey: Readonly<Record<string, Flag>> = {
  'cloud.host': { name: 'cloud', short: 'c', value: 'HOST', summary: 'Host of the cloud.' },
  'cloud.port': { name: 'port', short: 'p', value: 'PORT', summary: 'Port of the cloud: 8883, 443 or 1883.' },
  'cloud.token': { name: 'token', short: 't', value: 'TOKEN', summary: 'Application token.' },
  'cloud.transport': {
    name: 'transport',
    value: 'NAME',
    summary: 'mqtts, wss or mqtt; required for any other port.',
  },
  'cloud.file_xfer_host': {
    name: 'onprem-file-xfer-host',
    value: 'HOST',
    summary: 'Host of the file service, when it is not that of the cloud.',
  },
  'cloud.file_xfer_port': {
    name: 'onprem-file-xfer-port',
    value: 'PORT',
    summary: 'Port of the file service, when it is not 443.',
  },
  validate_cloud_cert: {
    name: 'no-validate',
    short: 'n',
    summary: 'Accept any certificate. Anybody on the network path can then read and change all traffic.',
  },
  ca_bundle_file: {
    name: 'ssl-bundle',
    short: 's',
    value: 'FILE',
    summary: 'PEM file of the certificate authorities to trust.',
  },
  'proxy.type': { name: 'proxy-type', value: 'TYPE', summary: 'HTTP, SOCKS4 or SOCKS5.' },
  'proxy.host': { name: 'proxy-host', value: 'HOST', summary: 'Host of the proxy.' },
  'proxy.port': { name: 'proxy-port', value: 'PORT', summary: 'Port of the proxy.' },
  'proxy.username': { name: 'proxy-username', value: 'NAME', summary: 'User name for the proxy.' },
  'proxy.password': { name: 'proxy-password', value: 'TEXT', summary: 'Password for the proxy.' },
}

/** The values that go into a connection file, by key of the settings table. */
export type PromptAnswers = Map<string, string | boolean>

export const connectionFlags: readonly Flag[] = Object.values(flagsByKey)

/** Whether the command line names any setting. */
export function hasConnectionFlag(invocation: Pick<Invocation, 'has'>): boolean {
  return connectionFlags.some(({ name }) => invocation.has(name))
}

/** What the command line says of the connection, as if it had been asked for. */
export function answersIn(invocation: Pick<Invocation, 'has' | 'value'>): PromptAnswers {
  const answers: PromptAnswers = new Map()
  for (const [key, { name, value: placeholder }] of Object.entries(flagsByKey)) {
    const value = invocation.value(name)
    // The only switch among them turns its setting off.
    if (placeholder === undefined) answers.set(key, !invocation.has(name))
    // The written file may end up in another folder than the one in which the path was typed.
    else if (value) answers.set(key, key === 'ca_bundle_file' ? resolve(value) : value)
  }
  return answers
}

/** The mistake with the flag that corrects it, for a person who has typed flags and no settings. */
export function withFlag(problem: ConfigProblem): ConfigProblem {
  const flag = problem.key === undefined ? undefined : flagsByKey[problem.key]
  return flag === undefined ? problem : { ...problem, remedy: `${problem.remedy} Its flag is --${flag.name}.` }
}
