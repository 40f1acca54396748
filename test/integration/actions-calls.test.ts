// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ActionContext, Status } from '../../src/index.ts'
import { connectedScene, newDevice } from '../helpers/client-scene.ts'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'

test('calls of actions, from the operator and back', async t => {
  const cloud = await startCloud(t)

  await t.test('an action gets its parameters and answers with values', async t => {
    const { thingKey } = await connectedScene(t, cloud, {
      before: client =>
        client.actions.register('add', ({ name, params: { a, b } }, context) => {
          assert.equal(context.client, client)
          return { status: Status.Success, params: { name, sum: Number(a) + Number(b) } }
        }),
    })
    const reply = await cloud.exec(thingKey, 'add', { a: 2, b: 3 })
    assert.deepEqual(reply, { success: true, params: { name: 'add', sum: 5 } })
  })

  await t.test('every kind of outcome reaches the operator [TR50 4.2] [TR50 4.3]', async t => {
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => {
        actions.register('nothing', () => {})
        actions.register('status', () => Status.NoPermission)
        actions.register('text', () => ({ status: Status.Full, message: 'fail and such' }))
        actions.register('throws', () => {
          throw new Error('no paper')
        })
        // A JavaScript application may return anything.
        actions.register('odd', () => JSON.parse('"odd"'))
      },
    })
    const outcome = async (method: string) => {
      const { success, errorCodes, errorMessages } = await cloud.exec(thingKey, method)
      return success ? 'success' : [...(errorCodes ?? []), ...(errorMessages ?? [])]
    }
    assert.equal(await outcome('nothing'), 'success')
    assert.equal((await outcome('status'))[0], 10)
    assert.deepEqual(await outcome('text'), [7, 'fail and such'])
    assert.deepEqual(await outcome('throws'), [19, 'ERROR: no paper'])
    assert.equal((await outcome('odd'))[0], 2)
    assert.deepEqual(await outcome('unknown'), [12, 'ERROR: there is no action "unknown".'])
    assert.deepEqual(await outcome('Nothing'), [12, 'ERROR: there is no action "Nothing".'])
  })

  await t.test('parameters of the wrong type are status 2, and name the parameter', async t => {
    let calls = 0
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) =>
        actions.register('move', () => void calls++, {
          parameters: { steps: { type: 'integer', required: true }, fast: { type: 'boolean' } },
        }),
    })
    const message = async (params?: object) => (await cloud.exec(thingKey, 'move', params)).errorMessages?.[0]
    assert.equal(await message(), 'ERROR: parameter "steps" is missing; it must be a whole number.')
    assert.equal(await message({ steps: '3' }), 'ERROR: parameter "steps" must be a whole number, not text.')
    assert.equal(
      await message({ steps: 3, fast: 1 }),
      'ERROR: parameter "fast" must be true or false, not the number 1.',
    )
    assert.equal(calls, 0)
    assert.equal(await message({ steps: 3, fast: true }), undefined)
    assert.equal(calls, 1)
  })

  await t.test('Invoked, progress in order, and one answer; the operator sees all of it', async t => {
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) =>
        actions.register('update', (_request, context) => {
          void work(context)
          return Status.Invoked
        }),
    })
    const work = async ({ progress, acknowledge, client }: ActionContext) => {
      // After the return of the handler.
      await client.diagnostics.ping()
      for (const percent of [10, 50, 100]) await progress(`${percent} %`)
      await acknowledge({ status: Status.Success, message: 'updated', params: { version: '2' } })
      await acknowledge(Status.Failure)
      await progress('too late')
    }
    const reply = await cloud.exec(thingKey, 'update')
    assert.deepEqual(reply, { success: true, params: { version: '2' } })
    const [mail] = (await cloud.ask('mailbox.list', { thingKey })).result
    assert.deepEqual(
      mail.history
        .map(({ message }: { message?: string }) => message)
        .filter((line?: string) => line !== undefined && line !== 'updated'),
      ['Invoked', '10 %', '50 %', '100 %'],
    )
    assert.equal(mail.status, 'completed')
    const said = await cloud.transcript({ thingKey, direction: 'in', command: 'mailbox.*' })
    assert.equal(said.filter(({ commands }) => commands?.includes('mailbox.ack')).length, 1)
  })

  await t.test('a call is answered by its id from elsewhere in the application', async t => {
    const ids: string[] = []
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) =>
        actions.register('later', ({ id }) => {
          ids.push(id)
          return Status.Invoked
        }),
    })
    const reply = cloud.exec(thingKey, 'later')
    const id = await eventually('the call', () => ids[0])
    await client.actions.progress(id, 'nearly')
    const receipt = await client.actions.acknowledge(id, { status: Status.TryAgain, message: 'busy' })
    await receipt.delivered()
    assert.deepEqual((await reply).errorMessages, ['busy'])
  })

  await t.test('an action that overruns its time is answered with 16 and told to stop', async t => {
    const stopped: unknown[] = []
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) =>
        actions.register(
          'slow',
          (_request, { signal }) =>
            new Promise(resolve =>
              signal.addEventListener('abort', () => {
                stopped.push(signal.reason.code)
                resolve(Status.Success)
              }),
            ),
          { timeoutMs: 100 },
        ),
    })
    const reply = await cloud.exec(thingKey, 'slow')
    assert.deepEqual(reply.errorCodes, [16])
    assert.deepEqual(stopped, ['TIMEOUT'])
  })

  await t.test('three blocking actions that each move a file do not stand in each other’s way [H16]', async t => {
    const configDir = newDevice(t)
    const { thingKey, client } = await connectedScene(t, cloud, {
      configDir,
      before: ({ actions }) =>
        actions.register('fetch', async ({ params: { name } }, { client, signal }) => {
          const { bytes } = await client.files.download(String(name), join(configDir, `got-${name}`), { signal })
          await client.telemetry.current('speed')
          return { status: Status.Success, params: { bytes } }
        }),
    })
    await (await client.telemetry.publish('speed', 1)).delivered()
    const names = ['a', 'b', 'c']
    for (const name of names) {
      writeFileSync(join(configDir, name), name.repeat(10_000))
      await client.files.upload(join(configDir, name))
    }
    const replies = await Promise.all(names.map(name => cloud.exec(thingKey, 'fetch', { name })))
    assert.deepEqual(
      replies.map(({ success, params }) => [success, params.bytes]),
      names.map(() => [true, 10_000]),
    )
  })

  await t.test('an action that hangs holds up no other, nor the disconnect', async t => {
    const { client, thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => {
        actions.register('hang', () => new Promise(() => {}), { timeoutMs: 0 })
        actions.register('ping', () => ({ status: Status.Success, params: { response: 'acknowledged' } }))
      },
    })
    const hanging = cloud.exec(thingKey, 'hang')
    await eventually('the call', () => client.status().actions.some(({ name }) => name === 'hang'))
    assert.equal((await cloud.exec(thingKey, 'ping')).success, true)
    await client.disconnect({ timeoutMs: 600 })
    assert.deepEqual((await hanging).errorMessages, ['ERROR: the agent ended before the action did.'])
  })

  await t.test('a registered program gets its parameters as arguments, without a shell [D2 D3 D4]', async t => {
    const configDir = newDevice(t)
    const script = join(configDir, 'tool.sh')
    writeFileSync(script, '#!/bin/sh\necho "$@"\necho bad >&2\n[ "$1" = "--fail" ] && exit 1\nexit 0\n')
    chmodSync(script, 0o700)
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => {
        actions.registerCommand('tool', script)
        actions.registerCommand('sleep', ['/bin/sh', '-c', 'sleep 600 & echo started; wait'], { timeoutMs: 200 })
        actions.registerCommand('missing', '/nowhere/tool')
      },
    })
    const said = await cloud.exec(thingKey, 'tool', { text: `$(touch ${configDir}/pwned) ; x`, on: true, off: false })
    assert.deepEqual(said.params, {
      exitCode: 0,
      stdout: `--text=$(touch ${configDir}/pwned) ; x --on\n`,
      stderr: 'bad\n',
    })
    assert.equal(existsSync(join(configDir, 'pwned')), false)
    const failed = await cloud.exec(thingKey, 'tool', { fail: true })
    assert.deepEqual(
      [failed.errorCodes, failed.errorMessages],
      [[4], ['ERROR: the program of "tool" ended with exit code 1.']],
    )
    assert.deepEqual((await cloud.exec(thingKey, 'tool', { '-x': 1 })).errorCodes, [2])
    assert.deepEqual((await cloud.exec(thingKey, 'missing')).errorCodes, [4])
    assert.deepEqual((await cloud.exec(thingKey, 'sleep')).errorCodes, [16])
    await eventually('the end of the program', async () => !(await isRunning('sleep 600 & echo started')))
  })

  await t.test('the answers of 100 calls all arrive, each once', async t => {
    const { thingKey } = await connectedScene(t, cloud, {
      before: ({ actions }) => actions.register('echo', ({ params }) => ({ status: Status.Success, params })),
    })
    const replies = await Promise.all(Array.from({ length: 100 }, (_, n) => cloud.exec(thingKey, 'echo', { n })))
    assert.deepEqual(
      replies.map(({ params }) => params.n),
      [...Array(100).keys()],
    )
  })
})

/** Whether a process runs whose command line holds `text`. */
async function isRunning(text: string): Promise<boolean> {
  const { readdirSync, readFileSync } = await import('node:fs')
  return readdirSync('/proc').some(id => {
    if (!/^\d+$/.test(id)) return false
    try {
      return readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(text)
    } catch {
      return false
    }
  })
}
