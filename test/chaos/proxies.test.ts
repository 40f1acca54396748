// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatTimestamp } from '../../src/base/timestamp.ts'
import type { TransferProgress } from '../../src/services/files/types.ts'
import { eventually } from '../helpers/eventually.ts'
import { hastyDevice } from '../helpers/hasty-device.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { proxyKinds, proxyMissing, type RealProxy, startProxy } from '../helpers/real-proxies.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const fileBytes = 32 * 1024 * 1024

/** Ends the proxy, and has it back a moment later. */
async function blink(proxy: RealProxy): Promise<void> {
  proxy.kill()
  await new Promise(resolve => setTimeout(resolve, 300))
  await proxy.revive()
}

for (const kind of proxyKinds.filter(({ name }) => ['HTTP', 'SOCKS5 of another make'].includes(name))) {
  const skip = proxyMissing(kind)
  test(`a proxy (${kind.program}) that dies in mid-transfer costs nothing but time`, { skip }, async t => {
    const cloud = await startCloud(t)
    const proxy = await startProxy(t, kind)
    const it = await hastyDevice(t, cloud, { transport: 'mqtts', proxy: proxy.settings })
    const folder = tempDir(t)
    const content = randomBytes(fileBytes)
    writeFileSync(join(folder, 'sent'), content)
    await it.device.start()
    await it.device.untilUp({})
    const files = await it.device.files()

    let isUploaded = false
    const uploaded = files.upload(join(folder, 'sent'), { name: 'big' }).then(() => {
      isUploaded = true
    })
    const before = proxy.carried().bytes
    await eventually('a quarter of the upload', () => proxy.carried().bytes > before + fileBytes / 4, 30_000)
    assert.equal(isUploaded, false, 'the upload was over before the proxy died')
    const blinked = blink(proxy)
    const numbers = Array.from({ length: 50 }, (_, value) => value)
    const receipts = await Promise.all(
      numbers.map(value => it.device.put('telemetry', { key: 'n', value, ts: formatTimestamp(it.clock.now()) })),
    )
    await blinked
    await uploaded
    await Promise.all(receipts.map(receipt => receipt.delivered()))
    await eventually('the link is up again', () => it.device.isUp, 30_000)

    await cloud.fault('slowDownload', { bytesPerSecond: 32 * 1024 * 1024 })
    let blinks: Promise<void> | undefined
    const onProgress = ({ transferredBytes }: TransferProgress) => {
      if (transferredBytes > fileBytes / 4 && transferredBytes < fileBytes) blinks ??= blink(proxy)
    }
    await files.download('big', join(folder, 'got'), { onProgress })
    assert.ok(blinks !== undefined, 'the download was over before the proxy died')
    await blinks
    assert.ok(readFileSync(join(folder, 'got')).equals(content))

    const { values } = await cloud.ask('cloud.samples', { thingKey: it.thingKey, key: 'n', values: true })
    assert.deepEqual([...new Set(values)], numbers)
  })
}
