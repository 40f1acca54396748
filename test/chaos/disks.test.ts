// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { formatTimestamp } from '../../src/base/timestamp.ts'
import { eventually } from '../helpers/eventually.ts'
import { type HastyDevice, hastyDevice } from '../helpers/hasty-device.ts'
import { type LocalCloud, startCloud } from '../helpers/local-cloud.ts'
import { type DiskFault, type SmallDisk, smallDisk } from '../helpers/small-disk.ts'

type Durability = 'spill' | 'always'

function open(t: TestContext, cloud: LocalCloud, disk: SmallDisk, thingKey: string, durability: Durability) {
  return hastyDevice(t, cloud, { queueDir: disk.path, thingKey, durability })
}

async function put({ device, clock }: HastyDevice, from: number, to: number): Promise<void> {
  for (let value = from; value < to; value++)
    await device.put('telemetry', { key: 'n', value, ts: formatTimestamp(clock.now()) })
}

const writtenBytes = ({ device }: HastyDevice) =>
  Object.values(device.status()?.flashWrites ?? {}).reduce((sum, { bytes }) => sum + bytes, 0)

/** A process that ends, and the next one that finds a cloud: it must have everything, once, in order. */
async function assertKept(t: TestContext, cloud: LocalCloud, disk: SmallDisk, it: HastyDevice, count: number) {
  await it.device.close(100)
  const next = await open(t, cloud, disk, it.thingKey, 'spill')
  await next.device.start()
  await next.device.untilUp({})
  assert.equal(await next.device.flush(300_000), true)
  await assertArrived(cloud, it.thingKey, count)
  await cloud.heard({ thingKey: it.thingKey, command: 'log.publish', contains: 'kept in memory only' })
  await cloud.heard({ thingKey: it.thingKey, command: 'log.publish', contains: 'written to flash again' })
}

async function assertArrived(cloud: LocalCloud, thingKey: string, count: number): Promise<void> {
  const { values } = await cloud.ask('cloud.samples', { thingKey, key: 'n', values: true })
  assert.deepEqual(
    values,
    Array.from({ length: count }, (_, value) => value),
  )
}

const sick = /cannot be written to flash/
const healthy = /is written to flash again/

test('disks that fail under the outbox', async t => {
  const cloud = await startCloud(t)
  for (const durability of ['spill', 'always'] as const) {
    for (const fault of ['full', 'without inodes', 'read-only'] as const satisfies readonly DiskFault[]) {
      await t.test(
        `${durability}: a disk that is ${fault} at the start is no reason not to start, and heals`,
        async t => {
          const disk = smallDisk(t, fault)
          if (disk === undefined) return
          disk.break()
          const it = await open(t, cloud, disk, `disk-${randomUUID()}`, durability)
          await put(it, 0, 200)
          await eventually('the trouble is told', () => sick.test(it.log()))
          assert.equal(writtenBytes(it), 0)
          disk.heal()
          await eventually('the disk is taken again', () => healthy.test(it.log()))
          await put(it, 200, 400)
          await assertKept(t, cloud, disk, it, 400)
        },
      )
    }

    await t.test(`${durability}: a disk that becomes full in use costs nothing, and heals`, async t => {
      const disk = smallDisk(t, 'full')
      if (disk === undefined) return
      const it = await open(t, cloud, disk, `disk-${randomUUID()}`, durability)
      await put(it, 0, 100)
      await eventually('samples are on flash', () => writtenBytes(it) > 0)
      disk.break()
      await put(it, 100, 300)
      await eventually('the trouble is told', () => sick.test(it.log()))
      disk.heal()
      await eventually('the disk is taken again', () => healthy.test(it.log()))
      await put(it, 300, 400)
      await assertKept(t, cloud, disk, it, 400)
    })

    await t.test(
      `${durability}: an outbox that fills its disk itself goes on in memory until the link is back`,
      async t => {
        const disk = smallDisk(t, 'full')
        if (disk === undefined) return
        const it = await open(t, cloud, disk, `disk-${randomUUID()}`, durability)
        // Far more than a disk of 1 MiB takes, and less than what memory may hold meanwhile.
        await put(it, 0, 15_000)
        await eventually('the trouble is told', () => sick.test(it.log()))
        await it.device.start()
        await it.device.untilUp({})
        assert.equal(await it.device.flush(600_000), true)
        await assertArrived(cloud, it.thingKey, 15_000)
        assert.equal(it.device.status()?.outbox.lanes.telemetry.dropped, 0)
        // A disk on the edge is no reason for an alarm every few seconds.
        assert.ok((it.log().match(new RegExp(sick, 'g')) ?? []).length <= 5)
      },
    )
  }
})
