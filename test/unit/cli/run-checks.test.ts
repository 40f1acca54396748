// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { diskCheck } from '../../../src/cli/checks/disk-check.ts'
import { idOfMachine } from '../../../src/cli/checks/id-of-machine.ts'
import { type Check, runChecks } from '../../../src/cli/checks/run-checks.ts'
import { seeManager } from '../../../src/cli/checks/see-manager.ts'
import { concerns, systemCheck } from '../../../src/cli/checks/system-check.ts'
import type { ManagerView } from '../../../src/cli/running-manager/manager-view.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { mountTmpfs } from '../../helpers/small-disk.ts'
import { tempDir } from '../../helpers/temp-dir.ts'

const passes = (name: string, ...needs: string[]): Check => ({ name, needs, run: async () => `${name} is fine` })

test('skips the checks that need a failed one, and runs the others', async () => {
  const told: string[] = []
  const { reports, firstFailure } = await runChecks(
    [
      passes('name'),
      { name: 'proxy', run: async () => ({ skip: 'no proxy is set' }) },
      {
        name: 'TCP',
        needs: ['name', 'proxy'],
        run: async () => {
          throw new AgentError('TCP_FAILED', 'refused')
        },
      },
      passes('TLS', 'TCP'),
      passes('login', 'TLS'),
      passes('disk'),
    ],
    new FakeClock(),
    ({ name, outcome }) => void told.push(`${name} ${outcome}`),
  )
  assert.deepEqual(told, ['name passed', 'proxy skipped', 'TCP failed', 'TLS skipped', 'login skipped', 'disk passed'])
  assert.equal(firstFailure?.code, 'TCP_FAILED')
  const tcp = reports[2]
  assert.deepEqual([tcp?.code, tcp?.text], ['TCP_FAILED', 'refused'])
  assert.match(tcp?.remedy ?? '', /cloud\.port/)
  assert.equal(reports[4]?.text, '"TLS" did not pass')
})

test('an unforeseen error is a failed check', async () => {
  const broken: Check = {
    name: 'x',
    run: async () => {
      throw new TypeError('oops')
    },
  }
  const { reports, firstFailure } = await runChecks([broken], new FakeClock())
  assert.deepEqual([reports[0]?.outcome, firstFailure?.exitCode], ['failed', 70])
})

test('a check has its own remedies, and a report has none that only points at its text', async () => {
  const failing = (code: ErrorCode): Check => ({
    name: 'file service',
    remedies: { TCP_FAILED: 'Check cloud.file_xfer_port.' },
    run: async () => {
      throw new AgentError(code, 'no')
    },
  })
  const told = async (code: ErrorCode) => (await runChecks([failing(code)], new FakeClock())).reports[0]?.remedy
  assert.equal(await told('TCP_FAILED'), 'Check cloud.file_xfer_port.')
  assert.match((await told('CERTIFICATE_REFUSED')) ?? '', /ca_bundle_file/)
  assert.equal(await told('NOT_SUPPORTED'), undefined)
})

test('the disk check finds free space, writes to the runtime folder, and makes none', async t => {
  const folder = tempDir(t)
  assert.match(String(await diskCheck(folder).run()), /free at .*can be written to/)
  assert.match(String(await diskCheck(`${folder}/not/yet`).run()), /makes the folder when it starts/)
  await assert.rejects(diskCheck('/proc').run(), AgentError)
})

test('the disk check fails for a runtime folder that the device manager could not make', async t => {
  const disk = mountTmpfs(t, { readOnly: true })
  if (disk === undefined) return
  await assert.rejects(diskCheck(`${disk}/not/yet`).run(), { code: 'FILE_ACCESS', message: /read-only/ })
})

test('the device id for a folder that cannot keep one is the same each time, and different on each machine', async t => {
  const machine = (card: string) => {
    const root = tempDir(t)
    mkdirSync(`${root}/sys/class/net/eth0`, { recursive: true })
    mkdirSync(`${root}/etc`)
    writeFileSync(`${root}/etc/machine-id`, 'of the image')
    writeFileSync(`${root}/sys/class/net/eth0/address`, card)
    return root
  }
  const root = machine('02:42:ac:11:00:02')
  const id = await idOfMachine('/etc/device-cloud', root)
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(await idOfMachine('/etc/device-cloud', root), id)
  assert.notEqual(await idOfMachine('/etc/other', root), id)
  assert.notEqual(await idOfMachine('/etc/device-cloud', machine('02:42:ac:11:00:03')), id)
  const bare = tempDir(t)
  assert.notEqual(await idOfMachine('/x', bare), await idOfMachine('/x', bare), 'without a card nothing tells it apart')
})

test('the system check names the machine, and what the agent will lack on it', async t => {
  assert.match(String(await systemCheck().run()), /^Linux \d\S+, \w+, \d+ MB of memory$/)
  await assert.rejects(systemCheck(tempDir(t)).run(), { code: 'NOT_SUPPORTED', message: /\/proc is not mounted/ })
  const megabyte = 1024 * 1024
  assert.equal(concerns('4.18.0-rc1', 110 * megabyte, 'x64'), '')
  assert.equal(concerns('5.4', 55 * megabyte, 'arm'), '')
  assert.match(concerns('4.9.337-custom', 900 * megabyte, 'arm64'), /^; Node requires kernel 4\.18 or later$/)
  assert.match(concerns('3.18', 60 * megabyte, 'arm64'), /4\.18 or later; the agent is tested with 128 MB and more$/)
})

test('there is no login where a manager runs that cannot be asked, because that would end its session', async () => {
  const nobody = async () => {
    throw new AgentError('MANAGER_NOT_RUNNING', 'nobody')
  }
  const refused = async () => {
    throw new AgentError('POLICY_REFUSED', 'not yours')
  }
  const hangs = async () => {
    throw new AgentError('TIMEOUT', 'no answer')
  }
  const see = (ask: ManagerView['ask'], processId: ManagerView['processId']) => seeManager({ ask, processId })
  const none = async () => undefined
  assert.deepEqual(await see(async () => ({ thingKey: 'x' }), none), { status: { thingKey: 'x' } })
  assert.deepEqual(await see(nobody, none), {})
  assert.match(JSON.stringify(await see(nobody, async () => 4711)), /skip.*process 4711/)
  assert.match(JSON.stringify(await see(nobody, refused)), /skip.*not yours/)
  assert.match(JSON.stringify(await see(refused, none)), /skip.*as that user or as root/)
  await assert.rejects(see(hangs, none), { code: 'TIMEOUT' })
})
