// SPDX-License-Identifier: Apache-2.0
import { cpSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { FlashStore } from '../../src/outbox/flash/flash-store.ts'
import { flashMemos } from '../../src/outbox/flash/memos.ts'
import { type StoreFolder, storeFolder } from '../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../src/platform/store/write-budget.ts'
import { eventually } from './eventually.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeLink, succeed } from './fake-link.ts'
import { memoryLog } from './memory-log.ts'
import { outboxScene } from './outbox-scene.ts'
import { tempDir } from './temp-dir.ts'

/** Whatever holds this text ends the link. */
export const poison = 'p'.repeat(100)

export interface PoisonDeviceOptions {
  readonly durability?: 'spill' | 'always'
  readonly clock?: FakeClock
  readonly maxBytes?: number
  /** Stands between the outbox and its folder. */
  readonly over?: (folder: StoreFolder) => StoreFolder
}

/** A process with an outbox on flash, whose cloud ends the link on each message with {@link poison}. The link is down at first. */
export async function poisonDevice(t: TestContext, path: string, o: PoisonDeviceOptions = {}) {
  const { durability = 'spill', clock = new FakeClock(), over = (folder: StoreFolder) => folder } = o
  const budget = new WriteBudget()
  const folder = over(storeFolder(path, budget))
  const link = new FakeLink({ isUp: false })
  const { log, text } = memoryLog(clock)
  const fatal: number[] = []
  link.cloud = message => {
    if (!message.text.includes(poison)) return succeed(message)
    fatal.push(message.commands.reduce((sum, { params }) => sum + (params?.data?.length ?? 1), 0))
    setImmediate(() => link.isUp && link.down())
    return undefined
  }
  const boot = 7
  const store = await FlashStore.open({ folder, durability, memoryLanes: ['ack'], link, clock, log, boot })
  const memos = await flashMemos({ folder, log, boot })
  const bound = o.maxBytes === undefined ? {} : { maxBytes: o.maxBytes }
  const scene = outboxScene(t, { store, memos, clock, link, ...bound })
  /** Lets sessions come and go until something is so. */
  const until = (what: string, isSo: () => boolean) =>
    eventually(what, async () => {
      if (isSo()) return true
      if (!link.isUp) link.up()
      await clock.advance(1000)
      return isSo()
    })
  const writtenBytes = () => Object.values(budget.counts()).reduce((sum, { bytes }) => sum + bytes, 0)
  return { ...scene, fatal, until, budget, writtenBytes, flashLog: text, events: () => eventsOf(link) }
}

export type PoisonDevice = Awaited<ReturnType<typeof poisonDevice>>

/** What a process finds that is started after this one was killed now. */
export function killedNow(t: TestContext, path: string): string {
  const copy = tempDir(t)
  cpSync(path, copy, { recursive: true })
  return copy
}

function eventsOf(link: FakeLink): string[] {
  return link.commands.filter(({ command }) => command === 'log.publish').map(({ params }) => params.msg)
}
