// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { updateScene } from '../helpers/update-scene.ts'

const kills = process.env.DEVICE_CLOUD_LONG === '1' ? 1000 : 50

test(`${kills} crashes and power cuts at random moments: nothing runs twice, and one answer for each update`, async t => {
  const scene = await updateScene(t)
  const seen = new Map<number, number>()
  writeFileSync(scene.device.path('effects'), '')
  for (let kill = 0; kill < kills; ) {
    const waiting = scene.live(/device manager runs/)
    const id = await scene.order()
    await waiting
    for (let more = 1 + Math.floor(Math.random() * 3); more > 0 && kill < kills; more--, kill++) {
      await new Promise(done => setTimeout(done, Math.random() * 600))
      await scene.kill(Math.random() < 0.3)
      await scene.live(/device manager runs/)
    }
    const status = await scene.outcome(id)
    seen.set(status, (seen.get(status) ?? 0) + 1)
    await scene.kill(false)
  }
  t.diagnostic(`statuses: ${JSON.stringify([...seen])}`)
})
