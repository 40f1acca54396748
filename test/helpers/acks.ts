// SPDX-License-Identifier: Apache-2.0
import type { LocalCloud } from './local-cloud.ts'

/** The answer to a call. */
export interface Ack {
  readonly id: string
  readonly errorCode: number
  readonly errorMessage?: string
  readonly params?: unknown
}

/** All answers to the call `id` that the cloud has heard of a device. */
export async function acksOf(cloud: LocalCloud, thingKey: string, id: string): Promise<readonly Ack[]> {
  const said = await cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.ack', limit: 50_000 })
  return said
    .flatMap(({ payload }) => Object.values<{ readonly command: string; readonly params: Ack }>(payload))
    .filter(({ command, params }) => command === 'mailbox.ack' && params.id === id)
    .map(({ params }) => params)
}

/** How many calls of a device have no answer. */
export async function openCalls(cloud: LocalCloud, thingKey: string): Promise<number> {
  const { counts } = await cloud.ask('mailbox.summary', { thingKey })
  return counts.new + counts['in-flight']
}
