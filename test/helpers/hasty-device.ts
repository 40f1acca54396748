// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import type { AgentError } from '../../src/base/errors.ts'
import type { Cloud } from '../../src/client/cloud.ts'
import { openOnlineCloud } from '../../src/client/open-online-cloud.ts'
import type { ProxySettings, Settings, Transport } from '../../src/config/settings.ts'
import type { ExecuteMail } from '../../src/services/mailbox/mail-intake.ts'
import type { LocalCloud } from './local-cloud.ts'
import { memoryLog } from './memory-log.ts'
import { tempDir } from './temp-dir.ts'

export interface HastyDevice {
  readonly thingKey: string
  readonly device: Cloud
  readonly clock: Clock
  /** What went wrong on the way, as the client is told it. */
  readonly failures: AgentError[]
  log(): string
}

/** The real clock, with waits and deadlines that many times shorter. The wall clock stays. */
export function hastyClock(times: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonicMs: () => systemClock.monotonicMs() * times,
    random: () => systemClock.random(),
    timer: (delayMs, callback, options) => systemClock.timer(delayMs / times, callback, options),
  }
}

export interface HastySettings {
  readonly queueDir: string
  readonly transport?: Transport
  readonly durability?: Settings['queue']['durability']
  readonly proxy?: ProxySettings
  readonly maxBytes?: number
}

/** The settings of a device of a local cloud. */
export function hastySettings(
  cloud: Pick<LocalCloud, 'host' | 'mqtt' | 'mqtts' | 'https' | 'ca' | 'token'>,
  o: HastySettings,
): Settings {
  const { transport = 'mqtt', durability = 'spill', proxy, queueDir, maxBytes = 16 * 1024 * 1024 } = o
  const ports = { mqtt: cloud.mqtt, mqtts: cloud.mqtts, wss: cloud.https }
  const { host, token, https } = cloud
  return {
    cloud: { host, port: ports[transport], token, transport, fileXferHost: host, fileXferPort: https },
    ...(proxy === undefined ? {} : { proxy }),
    qosLevel: 1,
    validateCloudCert: true,
    caBundleFile: cloud.ca,
    keepAliveS: 0,
    logLevel: 'debug',
    useSyslog: false,
    quiet: true,
    queue: { durability, maxBytes, directory: queueDir },
    ota: { publicKeys: [], requireSignature: false, names: [] },
    remoteAccess: { allow: [], maxSessions: 1, maxChannels: 1, idleTimeoutS: 60, maxDurationS: 60 },
    fileTransfer: { allow: [] },
  }
}

/**
 * Everything of a client from the outbox down to real sockets, in a hurry: waits of half a minute take a tenth of that.
 * It ends with the test.
 */
export async function hastyDevice(
  t: TestContext,
  cloud: Pick<LocalCloud, 'host' | 'mqtt' | 'mqtts' | 'https' | 'ca' | 'token'>,
  o: Partial<HastySettings> & {
    readonly times?: number
    readonly thingKey?: string
    /** Carries out the mail; default: it is not carried out. */
    readonly execute?: ExecuteMail
  } = {},
): Promise<HastyDevice> {
  const { times = 10, thingKey = `hasty-${randomUUID()}`, execute = () => {} } = o
  const configDir = tempDir(t)
  const settings = hastySettings(cloud, { queueDir: configDir, ...o })
  const clock = hastyClock(times)
  const { log, text } = memoryLog(clock)
  const failures: AgentError[] = []
  const note = (error: AgentError) => void failures.push(error)
  const device = await openOnlineCloud({
    facts: { thingKey, settings },
    configDir,
    queueLock: 'wait',
    signal: new AbortController().signal,
    clock,
    log,
    execute,
    listener: { up: () => {}, down: note, rejected: note, failed: note },
  })
  t.after(() => device.close(100))
  return { thingKey, device, clock, failures, log: text }
}
