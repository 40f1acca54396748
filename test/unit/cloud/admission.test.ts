// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { plainAddress, refusalOf } from '../../../src/cloud/http/admission.ts'
import { findRoute, type RouteRules } from '../../../src/cloud/http/route.ts'
import { requestRoutes, upgradeRoutes } from '../../../src/cloud/http/routes.ts'

/** A request for `host` that came in at `localAddress`. */
function requestAt(localAddress: string, host: string): IncomingMessage {
  const socket = new Socket()
  Object.defineProperty(socket, 'localAddress', { value: localAddress })
  const request = new IncomingMessage(socket)
  Object.defineProperty(request, 'headersDistinct', { value: { host: [host] } })
  return Object.assign(request, { method: 'GET', url: '/', headers: { host } })
}

test('the literal address of the connection is a name of this cloud, in any spelling, and another address is not', () => {
  const statusAt = (localAddress: string, host: string) =>
    refusalOf(requestAt(localAddress, host), requestRoutes[0], new Set())?.status
  for (const [localAddress, host] of [
    ['192.168.1.5', '192.168.1.5'],
    ['192.168.1.5', '192.168.1.5:8443'],
    ['::ffff:192.168.1.5', '192.168.1.5:8443'],
    ['fd00::5', '[fd00::5]:8443'],
    ['fd00::5', '[FD00:0:0:0:0:0:0:5]'],
    ['fe80::5%eth0', '[fe80::5]:8443'],
  ] as const)
    assert.equal(statusAt(localAddress, host), undefined, host)
  for (const [localAddress, host] of [
    ['192.168.1.5', '192.168.1.6'],
    ['127.0.0.1', '192.168.1.5'],
    ['fd00::5', '[fd00::6]'],
    ['127.0.0.1', '[::ffff:10.0.0.1]'],
  ] as const)
    assert.equal(statusAt(localAddress, host), 421, host)
})

test('an address has one spelling', () => {
  assert.deepEqual(['::ffff:10.0.0.1', '10.0.0.1', '::FFFF:a00:1', '0:0::1', 'box.test'].map(plainAddress), [
    '10.0.0.1',
    '10.0.0.1',
    '::ffff:a00:1',
    '::1',
    'box.test',
  ])
})

test('every route is found by its own path, and by none that only looks like it', () => {
  const tables: readonly (readonly RouteRules[])[] = [requestRoutes, upgradeRoutes]
  for (const routes of tables)
    for (const route of routes) {
      const path = route.path.replace(':id', 'Ab09')
      assert.equal(findRoute(routes, path)?.route, route)
      for (const wrong of [`${path}/`, `/${path}`, `${path}%00`, path.toUpperCase(), `${path}/../api`])
        if (wrong !== path) assert.equal(findRoute(routes, wrong), undefined, wrong)
    }
  for (const path of ['/file/', '/file/a-b', '/file/..', `/file/${'a'.repeat(101)}`, '/file/a/b', '/ws-relay/'])
    assert.equal(findRoute([...requestRoutes, ...upgradeRoutes], path), undefined, path)
})
