// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childrenOf } from '../helpers/application-children.ts'
import { EndingApplication } from '../helpers/ending-application.ts'
import { executable } from '../helpers/executable.ts'
import { asFirstProcess } from '../helpers/first-process.ts'

test('an application in the executable', async t => {
  const program = await executable(t)

  await t.test('SIGTERM, which nobody listens for: what publish took is on flash', async t => {
    const app = new EndingApplication(t)
    const path = app.write('app.mjs', app.source(`console.log('ready'); setInterval(() => {}, 1000)`))
    const { signal, err } = await app.run(program, ['run', path], 'SIGTERM')
    assert.deepEqual([signal, err], ['SIGTERM', ''])
    assert.deepEqual(await app.left(), [0, 1, 2, 3, 4])
  })

  await t.test('process.exit: what publish took is on flash', async t => {
    const app = new EndingApplication(t)
    const { code } = await app.run(program, ['run', app.write('app.mjs', app.source('process.exit(3)'))])
    assert.equal(code, 3)
    assert.deepEqual(await app.left(), [0, 1, 2, 3, 4])
  })

  await t.test(
    'an error of the library that nobody catches: some lines, none of the bundle, its exit code',
    async t => {
      const app = new EndingApplication(t)
      const end = `await client.telemetry.publish('bad name', 1)`
      const { code, err } = await app.run(program, ['run', app.write('app.mjs', app.source(end))])
      assert.equal(code, 2)
      assert.match(err, /^device-cloud: telemetry name may hold only [^\n]*\.\n {4}at file:.*app\.mjs:\d+:\d+\n$/)
    },
  )

  await childrenOf(t, program, [])

  await t.test('as process 1 it lets a shell wait for the orphans', t => asFirstProcess(t, [program], true))
})
