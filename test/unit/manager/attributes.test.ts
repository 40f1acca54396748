// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { version } from '../../../src/base/version.ts'
import { AttributePublisher } from '../../../src/manager/device-facts/attribute-publisher.ts'
import { platformAttributes } from '../../../src/manager/device-facts/platform-attributes.ts'
import { accessSupportText } from '../../../src/manager/device-facts/remote-access-support.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

const facts = {
  osName: 'Debian GNU/Linux',
  osVersion: '12',
  architecture: 'armv7l',
  hostname: 'pump-7',
  kernel: '6.1.0',
  macAddress: '02:42:ac:11:00:02',
}

test('publishes the facts of the machine under the names of the Python agent, then attributes.cfg [TR50 4.5]', () => {
  const attributes = platformAttributes(facts, [
    { name: 'site', text: 'Ulm' },
    { name: 'hdc_version', text: 'forged' },
    { name: 'hostname', text: 'from the file' },
  ])
  assert.deepEqual(Object.fromEntries(attributes), {
    os_name: 'Debian GNU/Linux',
    os_version: '12',
    architecture: 'armv7l',
    hostname: 'from the file',
    kernel: '6.1.0',
    hdc_version: version,
    mac_address: '02:42:AC:11:00:02',
    relay_version: '2.0.0',
    site: 'Ulm',
  })
})

test('a machine without a network card has the address of zeros', () => {
  const { macAddress: _, ...without } = facts
  assert.equal(platformAttributes(without, []).get('mac_address'), '00:00:00:00:00:00')
})

test('sends an attribute again only when it changed, or when the cloud did not take it', async () => {
  const sent: string[] = []
  const refusals = new Set(['b'])
  const publisher = new AttributePublisher({
    log: memoryLog().log,
    publish: async (name, text) => {
      sent.push(`${name}=${text}`)
      return {
        accepted: true,
        delivered: async () => {
          if (refusals.has(name)) throw new AgentError('REFUSED_BY_CLOUD', 'no')
        },
      }
    },
  })
  await publisher.publish([
    ['a', '1'],
    ['b', '1'],
  ])
  await settle()
  refusals.clear()
  await publisher.publish([
    ['a', '1'],
    ['b', '1'],
    ['c', '1'],
  ])
  await settle()
  await publisher.publish([
    ['a', '2'],
    ['b', '1'],
  ])
  assert.deepEqual(sent, ['a=1', 'b=1', 'b=1', 'c=1', 'a=2'])
})

test('the end of the client is no refusal: nothing is said of what the next process sends', async () => {
  const { log, text } = memoryLog()
  const closed = () => Promise.reject(new AgentError('CLOSED', 'The outbox is closed.'))
  const ended = new AttributePublisher({ log, publish: async () => ({ accepted: true, delivered: closed }) })
  await ended.publish([['a', '1']])
  const gone = new AttributePublisher({ log, publish: closed })
  await gone.publish([['a', '1']])
  await settle()
  assert.equal(text(), '')
})

test('remote_access_support lists what listens, as the text that the Python agent made [TR50 4.5]', async () => {
  const services = [
    { port: 22, raw: { name: 'SSH', port: '22', session_timeout: '60' } },
    { port: 23, raw: { name: 'Telnet', port: '23' } },
    { port: 80, raw: { name: 'HTTP "a"', port: 80 } },
  ]
  assert.equal(
    await accessSupportText(services, async port => port !== 23),
    '[{"name": "SSH", "port": "22", "session_timeout": "60"}, {"name": "HTTP \\"a\\"", "port": 80}]',
  )
  assert.equal(await accessSupportText(services, async () => false), '')
})

test('remote_access_support lists what is started when needed, but not how', async () => {
  const command = ['/usr/sbin/telnetd', '-i']
  const services = [{ port: 23, command, raw: { name: 'Console', port: 23, command, user: 'guest' } }]
  assert.equal(await accessSupportText(services, async () => false), '[{"name": "Console", "port": 23}]')
})
