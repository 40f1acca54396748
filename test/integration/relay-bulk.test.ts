// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { seeded } from '../helpers/seeded.ts'
import { echoServer, tcpClient } from '../helpers/tcp.ts'

/** In all, over 8 channels; the long form moves a gigabyte. */
const totalBytes = process.env.DEVICE_CLOUD_LONG === '1' ? 1024 ** 3 : 64 * 1024 ** 2
const channels = 8
const markers = ['CONNECTED-581273', 'DISCONNECTED-581273', 'CONNECTED-129812']

/** Bytes of its own for each channel and place, with markers strewn in. */
function chunkOf(channel: number, round: number, next: (below: number) => number): Buffer {
  const chunk = Buffer.alloc(1 + next(100_000), `channel ${channel} round ${round} `)
  if (next(4) === 0) chunk.write(`${String.fromCharCode(channel)}${markers[next(3)]}`, 0, 'latin1')
  return chunk
}

test(`${totalBytes / 1024 ** 2} MB echoed over ${channels} channels with random pauses: the sums are the same`, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const echo = await echoServer(t)
  const device = makeDevice(t, cloud, { manager: { remote_access_support: [{ name: 'Echo', port: echo.port }] } })
  const manager = await device.start()
  const { thingKey } = device
  await cloud.waitForThing(thingKey)
  const { id, port } = await cloud.ask('relay.open', { thingKey, port: echo.port })
  const memory = () =>
    Number((/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${manager.child.pid}/status`, 'utf8')) ?? [])[1]) / 1024

  const move = async (channel: number) => {
    const next = seeded(4711 + channel)
    const client = await tcpClient(t, port)
    const [sent, got] = [createHash('sha256'), createHash('sha256')]
    const share = totalBytes / channels
    let sentBytes = 0
    let gotBytes = 0
    client.on('data', part => {
      got.update(part)
      gotBytes += part.length
      // A reader that stops now and then.
      if (next(40) > 0) return
      client.pause()
      setTimeout(() => client.resume(), next(30))
    })
    for (let round = 0; sentBytes < share; round++) {
      const chunk = chunkOf(channel, round, next)
      sent.update(chunk)
      sentBytes += chunk.length
      const isFlowing = client.write(chunk)
      if (!isFlowing) await new Promise(resolve => client.once('drain', resolve))
      // A writer that stops now and then.
      if (next(40) === 0) await new Promise(resolve => setTimeout(resolve, next(30)))
    }
    await eventually(`channel ${channel}: all of it`, () => gotBytes >= sentBytes || client.destroyed, 600_000)
    assert.equal(gotBytes, sentBytes, `channel ${channel}`)
    assert.equal(got.digest('hex'), sent.digest('hex'), `channel ${channel}`)
    client.destroy()
    return sentBytes
  }
  const moved = await Promise.all(Array.from({ length: channels }, (_, channel) => move(channel)))
  const all = moved.reduce((sum, bytes) => sum + bytes, 0)
  const { relays } = JSON.parse((await device.run('status', '--json')).out)
  assert.equal(relays[0].bytesFromCloud, all)
  assert.equal(relays[0].bytesToCloud, all)
  assert.ok(memory() < 250, `the device took ${memory()} MB`)
  await cloud.ask('relay.close', { id })
})
