// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { FlashStore } from '../../src/outbox/flash/flash-store.ts'
import type { Lane } from '../../src/outbox/lanes.ts'
import { DeliveryReceipt } from '../../src/outbox/receipt.ts'
import { type StoreFolder, storeFolder } from '../../src/platform/store/store-folder.ts'
import { WriteBudget } from '../../src/platform/store/write-budget.ts'
import { FakeClock } from './fake-clock.ts'
import { memoryLog } from './memory-log.ts'

type Durability = 'spill' | 'always'

class FakeLink {
  #down: (() => void)[] = []
  on(_event: 'down', listener: () => void): () => void {
    this.#down.push(listener)
    return () => {}
  }
  drop(): void {
    for (const listener of this.#down) listener()
  }
}

/** Opens the store of a folder, as a new process would; `over` stands between it and the folder. */
export async function openStore(
  t: TestContext,
  path: string,
  durability: Durability,
  clock: Clock = new FakeClock(),
  memoryLanes: readonly Lane[] = [],
  over: (folder: StoreFolder) => StoreFolder = folder => folder,
) {
  const budget = new WriteBudget()
  const { log, text } = memoryLog(clock)
  const link = new FakeLink()
  const lost: number[] = []
  const troubles: (string | undefined)[] = []
  const store = await FlashStore.open({
    folder: over(storeFolder(path, budget)),
    durability,
    memoryLanes,
    link,
    clock,
    log,
    onLost: (_lane, items) => void lost.push(items),
    onTrouble: trouble => void troubles.push(trouble?.code),
  })
  // A test that plays a killed process leaves its files open until here.
  t.after(() => store.close())
  let sequence = store.nextSequence
  const put = (json: string, lane: Lane = 'telemetry') => {
    const receipt = new DeliveryReceipt(clock)
    const item = { sequence: sequence++, epochMs: clock.now(), json, alone: false, receipt }
    return { item, receipt, kept: store.append(lane, item) }
  }
  const writtenBytes = () => Object.values(budget.counts()).reduce((sum, count) => sum + count.bytes, 0)
  return { store, budget, link, put, lost, troubles, writtenBytes, log: text }
}

export type Opened = Awaited<ReturnType<typeof openStore>>

/** Reads and acknowledges everything of a lane. */
export async function drain({ store }: Opened, lane: Lane = 'telemetry', maxItems = 7): Promise<string[]> {
  const texts: string[] = []
  for (;;) {
    const inFlight = await store.read(lane, { maxItems, maxBytes: 1e9 })
    if (inFlight.length === 0) return texts
    texts.push(...inFlight.map(item => item.json))
    store.acknowledge(lane, inFlight)
    for (const item of inFlight) item.receipt?.settle('delivered')
  }
}

/** The texts of JSON strings that count. */
export const numbers = (from: number, through: number) =>
  Array.from({ length: through - from + 1 }, (_, at) => `"${from + at}"`)
