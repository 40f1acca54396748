// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { startCloud } from '../helpers/local-cloud.ts'
import { http, plainDevice } from '../helpers/plain-device.ts'

const refusedWith = (code: number) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === code

test('an unknown thing registers itself, and is locked to its first client id [TR50 1.2]', async t => {
  const cloud = await startCloud(t)
  const device = await plainDevice(t, cloud, 'dev-1')
  const thing = await cloud.waitForThing('dev-1')
  assert.equal(thing.name, 'auto:dev-1')
  assert.equal(thing.createdBy, 'AUTOREG')
  await device.client.endAsync()
  await cloud.waitForThing('dev-1', { connected: false })
  await assert.rejects(plainDevice(t, cloud, 'dev-1', { clientId: 'other' }), refusedWith(5))
  const log = await cloud.ask('log.list', { thingKey: 'dev-1' })
  assert.match(log.result[0].msg, /Application id mismatch: other instead of dev-1/)
  await cloud.ask('thing.appid.reset', { key: 'dev-1' })
  await plainDevice(t, cloud, 'dev-1', { clientId: 'other' })
})

test('a wrong token, a wrong password and no user name are refused with 4', async t => {
  const cloud = await startCloud(t, { token: 't0ken' })
  await assert.rejects(plainDevice(t, cloud, 'dev-1', { password: 'demo' }), refusedWith(4))
  await assert.rejects(plainDevice(t, cloud, 'x', { username: cloud.user, password: 'wrong' }), refusedWith(4))
  const said = await cloud.transcript()
  assert.ok(said.length > 0)
  assert.ok(!JSON.stringify(said).includes('t0ken'))
})

test('a second session of a client id ends the first, and the thing stays connected', async t => {
  const cloud = await startCloud(t)
  const first = await plainDevice(t, cloud, 'dev-1')
  const closed = new Promise<void>(resolve => first.client.once('close', () => resolve()))
  const second = await plainDevice(t, cloud, 'dev-1')
  await closed
  assert.equal((await second.command('diag.ping')).success, true)
  await cloud.waitForThing('dev-1')
})

test('speaks TLS 1.2 and 1.3 with a certificate for every name of this machine', async t => {
  const cloud = await startCloud(t)
  const ca = readFileSync(cloud.ca)
  for (const port of [cloud.mqtts, cloud.https]) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const servername of ['localhost', '']) {
        const options = { host: '127.0.0.1', port, ca, minVersion: version, maxVersion: version }
        const socket = connect(servername === '' ? options : { ...options, servername })
        await new Promise<void>((resolve, reject) => {
          socket.once('secureConnect', resolve)
          socket.once('error', reject)
        })
        assert.equal(socket.getProtocol(), version)
        assert.match(socket.getPeerCertificate().subjectaltname ?? '', /DNS:localhost.*127\.0\.0\.1.*0:0:0:0:0:0:0:1/)
        socket.destroy()
      }
    }
  }
  const device = await plainDevice(t, cloud, 'dev-1', { url: `mqtts://127.0.0.1:${cloud.mqtts}` })
  assert.equal((await device.command('diag.ping')).success, true)
})

test('keeps its CA and its ports over a restart', async t => {
  const cloud = await startCloud(t)
  const before = { ca: readFileSync(cloud.ca, 'utf8'), https: cloud.https, mqtt: cloud.mqtt }
  await plainDevice(t, cloud, 'dev-1')
  await cloud.restart()
  assert.deepEqual({ ca: readFileSync(cloud.ca, 'utf8'), https: cloud.https, mqtt: cloud.mqtt }, before)
  assert.equal((await cloud.api('thing.find', { key: 'dev-1' })).success, false)
})

test('a device acts for its own things and those that it has bound, and commands nothing of the cloud', async t => {
  const cloud = await startCloud(t)
  await plainDevice(t, cloud, 'dev-2')
  const device = await plainDevice(t, cloud, 'dev-1')
  const publish = (thingKey: string) => device.command('property.publish', { thingKey, key: 'temp', value: 1 })
  assert.deepEqual((await publish('dev-2')).errorCodes, [-90103])
  assert.equal((await device.command('thing.bind', { key: 'child-1' })).success, true)
  assert.equal((await publish('child-1')).success, true)
  for (const command of ['cloud.fault.list', 'cloud.transcript', 'thing.delete', 'app.find', 'thing.list'])
    assert.deepEqual((await device.command(command, { key: 'dev-2', name: 'default' })).errorCodes, [-90103], command)
  const done = cloud.exec('child-1', 'ping')
  assert.equal((await device.json('notify/mailbox_activity')).thingKey, 'child-1')
  const { params } = await device.command('mailbox.check', {})
  await device.command('mailbox.ack', { id: params.messages[0].id, params: { response: 'acknowledged' } })
  assert.deepEqual(await done, { success: true, params: { response: 'acknowledged' } })
})

test('an operator logs in over HTTPS in each of the known forms, and is refused without a session [TR50 8.1]', async t => {
  const cloud = await startCloud(t)
  const post = async (body: object, headers: Record<string, string> = {}) => {
    const answer = await http(cloud, 'POST', '/api', { body: JSON.stringify(body), headers })
    assert.equal(answer.status, 200)
    return JSON.parse(answer.body.toString())
  }
  const login = { command: 'api.authenticate', params: { username: cloud.user, password: cloud.password } }
  const cmd = { command: 'session.info' }
  const { auth } = await post({ auth: login })
  const { sessionId } = auth.params
  assert.equal((await post({ cmd }, { SESSIONID: sessionId })).cmd.params.userName, 'admin')
  const several = await post({ auth: { sessionId }, data: cmd, cmd: { command: 'diag.ping' } })
  assert.deepEqual([several.data.success, several.cmd.success], [true, true])
  assert.equal((await post({ auth: login, cmd })).cmd.success, true)
  assert.deepEqual((await post({ cmd })).cmd.errorCodes, [-90104])
  assert.deepEqual((await post({ cmd }, { sessionId: 'wrong' })).cmd.success, false)
  const wrong = await post({ auth: { ...login, params: { username: 'admin', password: 'no' } } })
  assert.equal(wrong.auth.success, false)
})

test('an administrator can set up definitions, roles and applications, and a device uses them [TR50 8.2]', async t => {
  const cloud = await startCloud(t)
  const user = await cloud.ask('user.find', { username: 'admin' })
  assert.equal(user.password, undefined)
  const org = await cloud.ask('user.org.find', { userId: user.id, orgId: user.defaultOrgId })
  assert.equal(org.isOrgAdmin, true)
  assert.deepEqual((await cloud.api('thing_def.find', { key: 'gauge' })).errorCodes, [-90008])
  const alarms = { level: { name: 'Level', states: [{ name: 'ok' }, { name: 'high' }] } }
  const attributes = { site: { name: 'Site', default: 'unknown' } }
  const { id } = await cloud.ask('thing_def.create', { key: 'gauge', name: 'Gauge', alarms, attributes })
  await cloud.ask('thing_def.update', { key: 'gauge', name: 'Gauge 2', defaultAckTimeout: 5 })
  assert.equal((await cloud.ask('thing_def.find', { key: 'gauge' })).name, 'Gauge 2')
  await cloud.ask('role.create', { key: 'r', name: 'R', perms: ['alarm.publish'] })
  const app = await cloud.ask('app.create', { name: 'gauges', autoRegThingDefId: id, roles: ['r'] })
  assert.equal((await cloud.ask('app.find', { name: 'gauges' })).token, app.token)
  const device = await plainDevice(t, cloud, 'gauge-1', { password: app.token })
  assert.equal((await cloud.waitForThing('gauge-1')).defKey, 'gauge')
  assert.equal((await device.command('alarm.publish', { key: 'level', state: 1 })).success, true)
  assert.equal((await device.command('alarm.publish', { key: 'level', state: 2 })).success, false)
  assert.deepEqual((await device.command('attribute.current', { key: 'site' })).params, { value: 'unknown' })
  await cloud.ask('session.org.switch', { key: 'local' })
})

test('the console page is served with nothing from elsewhere', async t => {
  const cloud = await startCloud(t)
  const page = await http(cloud, 'GET', '/')
  assert.equal(page.status, 200)
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
  assert.doesNotMatch(page.body.toString(), /https?:\/\//)
  assert.equal((await http(cloud, 'GET', '/console.js')).status, 200)
  for (const path of ['/console/page.js', '/../main.ts', '/nothing'])
    assert.equal((await http(cloud, 'GET', path)).status, 404)
})
