// SPDX-License-Identifier: Apache-2.0
/** The notification that a mailbox message waits [TR50 notify/mailbox_activity]. */
const mailboxActivityTopic = 'notify/mailbox_activity'

/** The suffix of a request number: decimal, at least four digits, because log tooling expects that form [TR50 10]. */
export function requestSuffix(number: number): string {
  return String(number).padStart(4, '0')
}

/** The topic of a request; the cloud answers on `reply/` with the same suffix [TR50 2.1]. */
export function requestTopic(suffix: string): string {
  return `api/${suffix}`
}

/** What a topic of an inbound message says about it. */
export type InboundTopic =
  | { readonly kind: 'reply'; readonly suffix: string }
  | { readonly kind: 'mailbox' }
  | { readonly kind: 'unknown' }

const replyPrefix = 'reply/'
const unknown: InboundTopic = { kind: 'unknown' }

/** Sorts an inbound topic. `replyz/...` is unknown: it only answers `apiz/...`, which the agent never sends [TR50 2.1]. */
export function parseInboundTopic(topic: string): InboundTopic {
  if (topic.startsWith(replyPrefix)) return { kind: 'reply', suffix: topic.slice(replyPrefix.length) }
  return topic === mailboxActivityTopic ? { kind: 'mailbox' } : unknown
}
