// SPDX-License-Identifier: Apache-2.0
/**
 * The bounds of what is sent and accepted. The limits of the cloud are not public [TR50 9] [TR50 11.3]; these are what the
 * agent holds itself to.
 */
export const limits = {
  /** One request message. */
  maxRequestBytes: 1024 * 1024,
  /** One reply message; the largest known ones are mailbox pages and `thing.find`. */
  maxReplyBytes: 2 * 1024 * 1024,
  /** Commands in one request message. */
  maxCommands: 1000,
  /** Requests without an answer. */
  maxPendingRequests: 256,
  /** Beyond {@link maxPendingRequests}, for the outbox and the liveness probe: callers cannot starve acknowledgements. */
  reservedRequests: 16,
  /** How long a request waits for its reply. */
  requestTimeoutMs: 30_000,
  /** How long in all, while a reply that is too large still comes. */
  largeReplyTimeoutMs: 600_000,
  /** How long the probe of a silent link waits for its reply. */
  probeTimeoutMs: 15_000,
  /** A request that waited less than this says nothing about the link: its caller was in a hurry. */
  silenceMinMs: 5_000,
  /** Requests in a row that must time out, with no reply in between, before the link is probed. */
  silentRequests: 2,
  /** Highest request number; then numbers start again at 1. */
  maxRequestNumber: 999_999,
  /** Ended requests that are remembered, to distinguish a late or second reply from an unknown one. */
  rememberedRequests: 256,
  /** Items in one batch. */
  maxBatchItems: 1000,
  /** Bytes of the items in one message of the outbox; a single larger item goes alone. */
  maxBatchBytes: 128 * 1024,
  /** One item of the outbox. */
  maxItemBytes: 512 * 1024,
  /** Messages fetched by one `mailbox.check`. */
  mailboxPage: 50,
  /** Error codes and messages kept of one refusal. */
  maxErrors: 16,
  /** Characters kept of one error message. */
  maxErrorTextLength: 1000,
} as const
