// SPDX-License-Identifier: Apache-2.0
/** The type of a fault's parameter. */
export type Kind = 'text' | 'number' | 'flag' | 'numbers' | 'texts'

export interface FaultKind {
  readonly does: string
  readonly params: Readonly<Record<string, Kind>>
}

/**
 * Every fault that can be switched on, and every other answer that this cloud can give to an open question of the protocol.
 * Besides its own parameters each takes `times` (how often it strikes; default: until cleared), and as filters `thingKey`,
 * `transport` (mqtt, mqtts, wss) and, for faults of requests, `command` (a name, or `alarm.*`).
 */
export const faultTable = {
  // Replies
  swallowRequest: { does: 'acknowledges a request with PUBACK, does not execute it and never answers', params: {} },
  dropReply: { does: 'executes a request and never answers', params: {} },
  delayReply: { does: 'answers `ms` later', params: { ms: 'number' } },
  duplicateReply: { does: 'answers `copies` times (default 2)', params: { copies: 'number' } },
  reorderReplies: {
    does: 'holds answers until `window` of them are there (default 2, or 1 s has passed) and sends them last first',
    params: { window: 'number' },
  },
  garbageReply: { does: 'answers with `text` (default: not JSON at all)', params: { text: 'text' } },
  binaryReply: { does: 'answers with bytes that are not UTF-8', params: {} },
  oversizedReply: { does: 'answers with `bytes` bytes (default 10 MiB) of JSON', params: { bytes: 'number' } },
  emptyReply: { does: 'answers with an object that has no result for any command', params: {} },
  refuseCommand: {
    does: 'refuses a command, or the batch item, with the given key; `errorCodes` default -90103',
    params: { key: 'text', errorCodes: 'numbers', errorMessages: 'texts' },
  },
  refuseRequest: {
    does: 'refuses the whole request at the root of the reply, without command ids',
    params: { errorCodes: 'numbers', errorMessages: 'texts' },
  },
  rateLimit: {
    does: 'refuses what comes faster than `perSecond` requests from one connection',
    params: { perSecond: 'number', errorCodes: 'numbers' },
  },
  batchLimit: { does: 'refuses a batch with more than `items` items', params: { items: 'number' } },
  payloadLimit: { does: 'closes the connection on a message above `bytes`', params: { bytes: 'number' } },
  replyQos: { does: 'sends replies with `qos` instead of that of the request', params: { qos: 'number' } },
  timeOffset: { does: 'answers diag.time with a clock that is `ms` off', params: { ms: 'number' } },
  cutHistoryFraction: { does: 'cuts the fraction of the timestamps in property.history', params: {} },
  // MQTT sessions
  noPuback: { does: 'executes and answers a publish without PUBACK', params: {} },
  delayPuback: { does: 'holds the PUBACK back by `ms`, and the answer until after it', params: { ms: 'number' } },
  refuseLogin: { does: 'answers CONNECT with `code` 1 to 5 (default 5)', params: { code: 'number' } },
  noConnack: { does: 'never answers CONNECT', params: {} },
  kickAfterConnack: {
    does: 'closes a connection `ms` (default 0) after CONNACK; what comes later has no effect',
    params: { ms: 'number' },
  },
  closeConnections: {
    does: 'at once: closes every connection that matches; `reset` with RST',
    params: { reset: 'flag' },
  },
  halfOpen: {
    does: 'at once: stops reading from and writing to every connection that matches without closing it; `fresh`: later ones too',
    params: { fresh: 'flag' },
  },
  refuseWebSocket: { does: 'answers a WebSocket upgrade with `status` (default 403)', params: { status: 'number' } },
  stopListening: {
    does: 'closes the port of `transport` (https needs `forMs`, because the operator comes that way too)',
    params: { forMs: 'number' },
  },
  // Mailbox
  redeliverMail: {
    does: 'hands out messages in flight again: `when` is session (after the session was lost, the default) or check (always)',
    params: { when: 'text' },
  },
  duplicateMail: { does: 'lists every message twice in the answer to mailbox.check', params: {} },
  dropNotify: { does: 'does not send mailbox notifications', params: {} },
  dropNotifyAtConnect: { does: 'does not notify at connect when mail waits', params: {} },
  duplicateNotify: { does: 'sends each mailbox notification `copies` times (default 2)', params: { copies: 'number' } },
  notifyQos: { does: 'sends notifications with `qos` (default 1)', params: { qos: 'number' } },
  bareEmptyMailbox: { does: 'answers mailbox.check without params when nothing waits', params: {} },
  // Files
  fileStatus: {
    does: 'answers /file requests with HTTP `status`; `on` is upload or download (default: both); `retryAfterS` as header',
    params: { status: 'number', on: 'text', retryAfterS: 'number' },
  },
  apiStatus: {
    does: 'answers POST /api with HTTP `status`, except for cloud.* commands',
    params: { status: 'number' },
  },
  refuseApi: {
    does: 'refuses a POST /api as a whole, at the root of the answer, except for cloud.* commands; `status` of HTTP (default 200)',
    params: { errorCodes: 'numbers', errorMessages: 'texts', status: 'number' },
  },
  cutDownload: {
    does: 'closes the connection of a download after byte `atByte` of the file',
    params: { atByte: 'number' },
  },
  cutUpload: { does: 'closes the connection of an upload after byte `atByte`', params: { atByte: 'number' } },
  slowDownload: { does: 'sends downloads with `bytesPerSecond`', params: { bytesPerSecond: 'number' } },
  corruptDownload: { does: 'inverts one byte of a download body', params: {} },
  wrongCrc: { does: 'answers file.get with a wrong crc32', params: {} },
  wrongSize: { does: 'answers file.get with a size that is one too many', params: {} },
  noCrc: { does: 'answers file.get without crc32', params: {} },
  ignoreRange: { does: 'answers a Range request with 200 and the whole file', params: {} },
  lengthDownload: { does: 'sends Content-Length with a download instead of chunks', params: {} },
  singleUseFileId: { does: 'a file id is used up by a transfer that broke, too', params: {} },
  uploadCrcStatus: {
    does: 'the HTTP `status` of an upload whose sum is wrong (default 400)',
    params: { status: 'number' },
  },
} as const satisfies Readonly<Record<string, FaultKind>>

export type FaultName = keyof typeof faultTable

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultTable, name)
}
