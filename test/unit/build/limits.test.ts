// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { maxJsonDepth } from '../../../src/base/json.ts'
import { maxLogChars } from '../../../src/base/log.ts'
import { maxInformationalAnswers, maxOverheadBytes } from '../../../src/connection/http/answer-guard.ts'

import { maxUnacknowledged } from '../../../src/connection/mqtt/mqtt-session.ts'
import { maxMqttMessageBytes } from '../../../src/connection/mqtt/mqtt-transport.ts'
import { maxIncomingPacketBytes } from '../../../src/connection/mqtt/packet-filter.ts'
import { maxConnectAnswerBytes } from '../../../src/connection/proxy/http-proxy.ts'
import { unaskedPackets } from '../../../src/connection/socket/packet-budget.ts'
import { maxPendingPerConnection } from '../../../src/manager/local-api/connection.ts'
import { maxLineBytes } from '../../../src/manager/local-api/message.ts'
import { maxConnections } from '../../../src/manager/local-api/server.ts'
import { packageLimits } from '../../../src/manager/ota/package/entry-policy.ts'
import { relayLimits } from '../../../src/manager/relay/limits.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { maxMessageBytes, maxParamsBytes } from '../../../src/services/actions/outcome.ts'
import { maxRunning } from '../../../src/services/actions/runner.ts'
import { maxMailBytes, maxPageChars, maxRefused } from '../../../src/services/mailbox/large-page.ts'
import { maxOpenCallChars, maxOpenChars, maxOpenMails } from '../../../src/services/mailbox/mailbox.ts'
import { maxProgressChars } from '../../../src/services/mailbox/progress-lines.ts'

const checkout = join(import.meta.dirname, '../../..')

/** What share/reference/limits.md promises: constant → the value and unit that stand in its row. */
const promised: Readonly<Record<string, readonly [value: number, unit: string]>> = {
  maxJsonDepth: [maxJsonDepth, 'levels'],
  maxReplyBytes: [limits.maxReplyBytes, 'bytes'],
  maxIncomingPacketBytes: [maxIncomingPacketBytes, 'bytes'],
  'unaskedPackets.atOnce': [unaskedPackets.atOnce, 'packets'],
  'unaskedPackets.perSecond': [unaskedPackets.perSecond, 'packets a second'],
  maxUnacknowledged: [maxUnacknowledged, 'packets'],
  maxPendingRequests: [limits.maxPendingRequests, 'requests'],
  'relayLimits.messageBytes': [relayLimits.messageBytes, 'bytes'],
  maxMqttMessageBytes: [maxMqttMessageBytes, 'bytes'],
  maxMailBytes: [maxMailBytes, 'bytes'],
  maxPageChars: [maxPageChars, 'characters'],
  maxRefused: [maxRefused, 'calls'],
  largeReplyTimeoutMs: [limits.largeReplyTimeoutMs / 1000, 'seconds'],
  mailboxPage: [limits.mailboxPage, 'mails'],
  maxOpenMails: [maxOpenMails, 'mails'],
  maxOpenCallChars: [maxOpenCallChars, 'characters'],
  maxOpenChars: [maxOpenChars, 'characters'],
  maxRunning: [maxRunning, 'actions'],
  maxParamsBytes: [maxParamsBytes, 'bytes'],
  maxMessageBytes: [maxMessageBytes, 'bytes'],
  maxProgressChars: [maxProgressChars, 'characters'],
  maxInformationalAnswers: [maxInformationalAnswers, 'answers'],
  maxOverheadBytes: [maxOverheadBytes, 'bytes'],
  maxConnectAnswerBytes: [maxConnectAnswerBytes, 'bytes'],
  maxLineBytes: [maxLineBytes, 'bytes'],
  maxConnections: [maxConnections, 'programs'],
  maxPendingPerConnection: [maxPendingPerConnection, 'requests'],
  'packageLimits.maxEntries': [packageLimits.maxEntries, 'entries'],
  'packageLimits.maxBytes': [packageLimits.maxBytes, 'bytes'],
  'packageLimits.maxRatio': [packageLimits.maxRatio, 'times'],
  'packageLimits.maxDepth': [packageLimits.maxDepth, 'folders'],
  maxLogChars: [maxLogChars, 'characters'],
}

test('share/reference/limits.md names every limit once, with the value that holds and the file where it is', () => {
  const rows = readFileSync(join(checkout, 'share/reference/limits.md'), 'utf8')
    .split('\n')
    .map(line => /^\| (.+) \| ([\d,]+) (.+?) \| `(.+?)` \| `(src\/.+?)` \|$/.exec(line))
    .filter(row => row !== null)
  const told = Object.fromEntries(
    rows.map(([, , value = '', unit, name = '']) => [name, [Number(value.replaceAll(',', '')), unit]]),
  )
  assert.deepEqual(told, promised)
  assert.equal(rows.length, Object.keys(promised).length)
  for (const [, , , , name = '', file = ''] of rows)
    assert.match(readFileSync(join(checkout, file), 'utf8'), new RegExp(`\\b${name.split('.').at(-1)}\\b`), file)
})
