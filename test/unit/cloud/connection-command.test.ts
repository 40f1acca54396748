// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionCommand } from '../../../src/cloud/connection-command.ts'

test('the command that a user pastes names the ports, the CA and the token of this cloud', () => {
  const cloud = { mqtts: 8883, https: 8443, ca: '/c/ca.pem', token: 'demo' }
  assert.equal(
    connectionCommand(cloud),
    'config generate -c localhost -p 8883 -t demo -s /c/ca.pem --onprem-file-xfer-port 8443',
  )
  assert.match(connectionCommand({ ...cloud, mqtts: 40_001 }), / -p 40001 --transport mqtts /)
  assert.match(connectionCommand({ ...cloud, ca: "/my c's/ca.pem" }), / -s '\/my c'\\''s\/ca\.pem' /)
})
