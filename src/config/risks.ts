// SPDX-License-Identifier: Apache-2.0
import type { ConfigNote, Settings } from './settings.ts'

/** Settings that are valid but deserve a warning at every start. */
export function findRisks(settings: Settings): readonly ConfigNote[] {
  const notes: ConfigNote[] = []
  const warn = (key: string, problem: string, remedy: string) => notes.push({ level: 'warn', key, problem, remedy })
  if (settings.cloud.transport === 'mqtt' && settings.cloud.host !== '') {
    const problem = 'is mqtt, without TLS: anyone on the network path can read the token and change what is sent'
    warn('cloud.transport', problem, 'Use port 8883 (mqtts) or 443 (wss).')
  }
  if (!settings.validateCloudCert) {
    const problem = 'is false: anyone on the network path can pose as the cloud, read the token and run actions'
    warn('validate_cloud_cert', problem, 'Remove it, and name your own authority in ca_bundle_file if you need one.')
  }
  if (settings.proxy?.password !== undefined && settings.proxy.username === undefined) {
    warn('proxy.password', 'has no effect without a user name', 'Write proxy.username, or remove the password.')
  }
  return notes
}
