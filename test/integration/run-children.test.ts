// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childrenOf } from '../helpers/application-children.ts'
import { EndingApplication } from '../helpers/ending-application.ts'
import { agentScript } from '../helpers/program.ts'

test('what an application in device-cloud run starts', async t => {
  const [program, script] = [process.execPath, agentScript()] as const
  await childrenOf(t, program, [script])

  await t.test('a command line for Node is told what to write instead', async t => {
    const app = new EndingApplication(t)
    for (const words of [['app.mjs'], ['--max-old-space-size=64', 'app.mjs', 'x']]) {
      const { code, err } = await app.run(program, [script, ...words])
      assert.equal(code, 2)
      assert.match(err, /An application is started by "device-cloud run app\.mjs", without options of Node\./)
    }
  })
})
