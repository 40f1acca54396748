// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusLines } from '../../../src/cli/running-manager/status-lines.ts'
import { TransferLine } from '../../../src/cli/running-manager/transfer-progress.ts'
import { bytesText } from '../../../src/cli/shell/bytes-text.ts'
import { memoryTerminal } from '../../helpers/memory-terminal.ts'

test('shows a person the link, the latest trouble with its remedy, and only lanes in which something happened', () => {
  const lane = { waiting: 0, bytes: 0, delivered: 0, refused: 0, dropped: 0, resent: 0 }
  const lines = statusLines({
    version: '1.2.3',
    pid: 7,
    uptimeS: 93_784,
    thingKey: 'd-m',
    configDir: '/c',
    runtimeDir: '/r',
    link: { state: 'waiting', forS: 65, reconnects: 2, failedTries: 3, nextTryInS: 9 },
    lastError: { code: 'TCP_FAILED', message: 'refused', remedy: 'Check cloud.port.', at: '2024-03-05T10:11:12.000Z' },
    queue: {
      waiting: 4,
      bytes: 2048,
      maxBytes: 16_777_216,
      lanes: { telemetry: { ...lane, waiting: 4, dropped: 1 }, event: lane },
    },
    runningActions: [{ id: 'm1', name: 'file_upload' }],
    backgroundTransfers: 0,
    localConnections: 1,
    memory: { residentBytes: 50_000_000, heapUsedBytes: 9_000_000 },
    closed: [
      { capability: 'ota', text: 'a.cfg:3: ota.x is not a setting.' },
      { capability: 'file_transfer', text: 'a.cfg:4: y.' },
    ],
    warnings: [{ text: 'a.cfg: z.' }],
  })
  const text = lines.join('\n')
  assert.match(text, /process 7, running for 1 d 2 h/)
  assert.match(text, /link {7}waiting for 1 min 5 s, 3 attempts failed, next attempt in 9 s; reconnected 2 times/)
  assert.match(text, /trouble {4}2024-03-05T10:11:12.000Z TCP_FAILED: refused\n {11}Check cloud\.port\./)
  assert.match(text, /telemetry {2}4 waiting, 0 delivered, 1 dropped/)
  assert.doesNotMatch(text, /event/)
  assert.match(text, /file_upload \(m1\)/)
  assert.match(
    text,
    /^closed {5}ota, because of a mistake: a\.cfg:3: ota\.x is not a setting\.\n {11}file_transfer, because/m,
  )
  assert.match(text, /^warnings {3}a\.cfg: z\.$/m)
})

test('shows a person what was set aside, and what may be poison', () => {
  const lane = { waiting: 0, bytes: 0, delivered: 0, refused: 0, setAside: 1, dropped: 0, resent: 0 }
  const setAside = {
    total: 5,
    kept: 2,
    keptBytes: 40_960,
    lastEpochMs: Date.parse('2024-03-05T10:11:12.000Z'),
    lastLane: 'event',
    lastBytes: 30_720,
  }
  const text = statusLines({ queue: { waiting: 1, suspects: 1, setAside, lanes: { event: lane } } }).join('\n')
  assert.match(text, /event {6}0 waiting, 0 delivered, 1 set aside/)
  assert.match(text, /^candidates 1 waiting, each in flight when a connection ended: they may be poison items$/m)
  assert.match(
    text,
    /^set aside {2}5 in total, each ended the connection whenever it was sent; 2 kept \(41\.0 kB\); last at 2024-03-05T10:11:12\.000Z: event, 30\.7 kB$/m,
  )
  assert.doesNotMatch(statusLines({ queue: {} }).join('\n'), /set aside|candidates/)
})

test('an answer of another version with members missing is shown as far as it goes', () => {
  assert.doesNotThrow(() => statusLines({}))
  assert.doesNotThrow(() =>
    statusLines({ queue: 7, link: null, runningActions: [null], memory: 'x', closed: 1, warnings: [2] }),
  )
})

test('shows progress on a terminal only, and takes it away', () => {
  const screen = memoryTerminal({ tty: true })
  const line = new TransferLine(screen)
  line.show({ waitsFor: 'link' })
  line.show({ transferredBytes: 500_000, totalBytes: 2_000_000 })
  line.show({ transferredBytes: 600_000 })
  line.clear()
  line.clear()
  assert.equal(
    screen.errText(),
    '\r\u001b[Kno connection to the cloud; waiting for it\r\u001b[K500.0 kB of 2.0 MB, 25 %\r\u001b[K600.0 kB\r\u001b[K',
  )
  const script = memoryTerminal()
  new TransferLine(script).show({ transferredBytes: 1, totalBytes: 2 })
  assert.equal(script.errText(), '')
  assert.deepEqual([0, 999, 1000, 2.5e12].map(bytesText), ['0 B', '999 B', '1.0 kB', '2.5 TB'])
})
