// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { eventually } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { offerPackages } from '../helpers/update-packages.ts'

test('a package of the Python agent is installed: phases, alarms, log and one answer [TR50 7.4]', async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  const scripts = {
    pre_install: 'echo "pre with $HDC_EXTRA_PARAMS"',
    install: 'sh ./install.sh',
    post_install: 'echo post; pwd >place',
    error_action: 'echo undone',
    reboot: 'no',
    compatibility: { os_version: 'cpe:2.3:o:nobody:none:0:*:*:*:*:*:*:*', model_name: 'another' },
  }
  const installer = { name: 'install.sh', content: 'echo installing "$0" here; touch installed\n', mode: 0o100755 }
  await offerPackages(t, cloud, [
    {
      name: 'good.zip',
      manifest: scripts,
      files: [installer, { name: 'deep/', content: '' }, { name: 'deep/data', content: 'x' }],
    },
    { name: 'good.tar.gz', manifest: scripts, files: [installer] },
    { name: 'bad.tar.gz', manifest: { ...scripts, install: 'echo first; echo "the disk is on fire" >&2; exit 3' } },
    { name: 'empty.zip', manifest: { name: 'nothing to do' } },
  ])
  const device = makeDevice(t, cloud)
  const manager = await device.start()
  const key = device.thingKey
  await cloud.waitForThing(key)

  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  type Said = { params: Record<string, any> }
  const said = async (command: string, since: number) =>
    (await cloud.transcript({ command, thingKey: key, since, direction: 'in' })).flatMap(({ payload }) =>
      Object.values<Said>(payload),
    )
  const alarms = async (since: number) => {
    const batches = [...(await said('alarm.batch', since)), ...(await said('alarm.publish', since))]
    return batches
      .flatMap(({ params }) => params.data ?? params.alarms ?? [params])
      .map(({ state, msg }) => [state, msg])
  }

  for (const name of ['good.zip', 'good.tar.gz'])
    await t.test(`${name} is installed`, async () => {
      const since = await cloud.mark()
      const reply = await cloud.exec(key, 'software_update', { package: name, extra_params: 'a=1 b="2"' })
      assert.ok(reply.success, reply.errorMessages?.[0])
      await eventually('the end', () => !existsSync(device.path('runtime/.otalock')))
      const folder = device.path('runtime/otapackage')
      assert.ok(existsSync(`${folder}/installed`))
      assert.equal(device.read('runtime/otapackage/place').trim(), folder)
      assert.equal(
        device.read('runtime/otapackage/ota_install.log'),
        'pre with a=1 b="2"\ninstalling ./install.sh here\npost\n',
      )
      assert.equal(statSync(`${folder}/install.sh`).mode & 0o777, 0o700)
      assert.equal(statSync(`${folder}/update.json`).mode & 0o777, 0o600)
      assert.deepEqual(readdirSync(device.path('runtime/download')), [])
      const message = `package: ${name}`
      assert.deepEqual(
        await alarms(since),
        [0, 1, 2, 3, 5].map(state => [state, message]),
      )
      const acks = await said('mailbox.ack', since)
      assert.deepEqual(
        acks.map(({ params }) => [params.errorCode, params.errorMessage]),
        [[0, '']],
      )
      const updates = (await said('mailbox.update', since)).map(({ params }) => params.msg)
      assert.equal(updates[0], 'Invoked')
      assert.ok(updates.includes('install running'), updates.join())
      const files = (await cloud.ask('file.list', { thingKey: key })).result
      assert.deepEqual(
        files.map(({ fileName }: { fileName: string }) => fileName),
        ['ota_install.log'],
      )
      assert.ok(!existsSync(device.path('runtime/message_ids')))
    })

  await t.test('a script that fails is undone, and the answer says which, how, and its last words', async () => {
    const since = await cloud.mark()
    const reply = await cloud.exec(key, 'software_update', { package: 'bad.tar.gz', ota_logfile: 'my log/1.txt' })
    assert.deepEqual(reply.errorCodes, [4])
    assert.match(
      reply.errorMessages?.[0] ?? '',
      /^install failed: exit code 3; last lines:\n.*first\nthe disk is on fire$/s,
    )
    await eventually('the end', () => !existsSync(device.path('runtime/.otalock')))
    assert.deepEqual(
      (await alarms(since)).map(([state]) => state),
      [0, 1, 2, 4, 6],
    )
    assert.match(device.read('runtime/otapackage/ota_install.log'), /on fire\nundone\n$/)
    const files = (await cloud.ask('file.list', { thingKey: key })).result
    assert.ok(files.some(({ fileName }: { fileName: string }) => fileName === 'my_log_1.txt'))
  })

  await t.test('what cannot be an update is answered in words, and the next update is not held up', async () => {
    const cases = [
      [{}, 2, /package is missing/],
      [{ package: '../../etc/passwd' }, 2, /plain name/],
      [{ package: 7 }, 2, /must be a string/],
      [{ package: 'update.rpm' }, 18, /must end in \.zip or \.tar\.gz/],
      [{ package: 'no-such.zip' }, 12, /no-such\.zip/],
      [{ package: 'empty.zip' }, 8, /"install" is missing/],
      [{ package: 'good.zip', ota_timeout: 'soon' }, 2, /ota_timeout/],
    ] as const
    for (const [params, code, pattern] of cases) {
      const reply = await cloud.exec(key, 'software_update', params)
      assert.deepEqual(reply.errorCodes, [code], JSON.stringify([params, reply]))
      assert.match(reply.errorMessages?.[0] ?? '', pattern)
    }
  })

  await t.test('an owner who asks for signatures is obeyed from the next reload on', async () => {
    const connection = JSON.parse(device.read('iot-connect.cfg'))
    device.write('iot-connect.cfg', { ...connection, ota: { require_signature: true } })
    manager.kill('SIGHUP')
    await manager.says(/configuration reloaded/)
    const reply = await cloud.exec(key, 'software_update', { package: 'good.zip' })
    assert.equal(reply.success, false)
    assert.match(reply.errorMessages?.[0] ?? '', /require_signature/)
  })
})
