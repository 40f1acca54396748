// SPDX-License-Identifier: Apache-2.0
import { earliestSetClockMs, systemClock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { buildFacts } from '../../manager/build-facts.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { spaceAt } from '../../platform/files/space.ts'
import { processId, userId } from '../../platform/process/process-facts.ts'
import { machineFacts, networkAddresses, programFacts } from '../../platform/process/runtime-facts.ts'
import type { DiagContext } from './diag-context.ts'
import { fileSections, jsonText, type Part, section } from './part.ts'

/** The agent, the machine and its state, read from /proc and /etc without other programs. */
export function systemParts(context: DiagContext): readonly Part[] {
  return [
    {
      name: 'version.json',
      about: 'version, build, Node, options, user, and the time of the clock',
      gather: async () => jsonText(await versionFacts(context)),
    },
    {
      name: 'system.txt',
      about: 'kernel, distribution, uptime, load, memory, processor, mounts, limits',
      gather: async () => section('uname', jsonText(machineFacts())) + (await fileSections(systemFiles)),
    },
    {
      name: 'network.txt',
      about: 'addresses, routes, DNS servers, counters of the network interfaces',
      gather: async () => section('addresses', jsonText(networkAddresses())) + (await fileSections(networkFiles)),
    },
    {
      name: 'space.json',
      about: 'free bytes and files in the folders that the agent writes to',
      gather: async () => jsonText(await spaceFacts(context)),
    },
  ]
}

const systemFiles = [
  '/etc/os-release',
  '/proc/version',
  '/proc/uptime',
  '/proc/loadavg',
  '/proc/meminfo',
  '/proc/cpuinfo',
  '/proc/mounts',
  '/proc/self/limits',
  '/proc/pressure/memory',
  '/proc/pressure/io',
]

const networkFiles = [
  '/etc/resolv.conf',
  '/proc/net/route',
  '/proc/net/ipv6_route',
  '/proc/net/dev',
  '/proc/net/sockstat',
]

async function versionFacts({ environment, appId, configDir, connectionFile }: DiagContext): Promise<JsonObject> {
  const program = programFacts()
  const file = await fileFacts(String(program.execPath)).catch(() => undefined)
  const nowMs = systemClock.now()
  // Only names, because a value may be a secret.
  const variables = Object.keys(environment).filter(name => /^(?:DEVICE_CLOUD_|NODE_|SSL_|UV_)/.test(name))
  const { version, commit, target } = buildFacts()
  return {
    version,
    commit,
    target,
    ...program,
    fileBytes: file?.bytes,
    fileModified: file && new Date(file.modifiedMs).toISOString(),
    clock: {
      now: new Date(nowMs).toISOString(),
      // A clock earlier than the release of this program was never set.
      isSet: nowMs >= earliestSetClockMs,
      sinceBootS: Math.round(systemClock.monotonicMs() / 1000),
    },
    userId: userId(),
    processId: processId(),
    variables: variables.sort(),
    appId,
    configDir,
    connectionFile,
  }
}

async function spaceFacts({ configDir, runtimeDir, queueDir, settings }: DiagContext): Promise<JsonObject> {
  const places = { configDir, runtimeDir, queueDir, logFile: settings?.logFile, temporary: '/tmp' }
  const facts: Record<string, JsonObject> = {}
  for (const [name, path] of Object.entries(places)) {
    if (path === undefined) continue
    const space = await spaceAt(path).catch(error => ({ failed: messageOf(error) }))
    facts[name] = { path, ...space }
  }
  return facts
}
