// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { updateScene } from '../helpers/update-scene.ts'

const steps = ['download', 'unpack', 'pre-install', 'install', 'post-install', 'health check', 'complete', 'finish']

test('a crash in each state of the update: it goes on, and the cloud gets its one answer', t => crashes(t, false))

test('a crash in each state of the update of a signed package, where signatures are required', t => crashes(t, true))

async function crashes(t: TestContext, isSigned: boolean): Promise<void> {
  const scene = await updateScene(t, isSigned)
  for (const step of steps) {
    await t.test(`in ${step}`, async () => {
      const waiting = scene.live(new RegExp(`software update:? ${step}`))
      const id = await scene.order()
      await waiting
      await scene.kill(false)
      await scene.live(/device manager runs/)
      const status = await scene.outcome(id)
      // Only a script that was caught before its first word is not known to have run.
      assert.ok([0, 19].includes(status), String(status))
      await scene.kill(false)
    })
  }
}

test('a power cut in a script: it is not run again, and error_action undoes it', async t => {
  const scene = await updateScene(t)
  for (const word of ['pre', 'install', 'post']) {
    await t.test(`in ${word}`, async () => {
      const waiting = scene.live(/device manager runs/)
      const id = await scene.order()
      await waiting
      await eventually(
        word,
        () => existsSync(scene.device.path('effects')) && scene.device.read('effects').includes(word),
      )
      await eventually('its group', () => existsSync(scene.device.path('group')))
      await scene.kill(true)
      await scene.live(/device manager runs/)
      assert.ok([0, 19].includes(await scene.outcome(id)))
      await scene.kill(false)
    })
  }
})
