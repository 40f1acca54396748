// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Carrier, Wire } from '../../../src/cloud/mqtt/wire.ts'
import { Connections } from '../../../src/cloud/traffic/connections.ts'

/** A wire over a carrier that keeps what is written back until `flush`. */
function heldWire() {
  const said: string[] = []
  let flush = () => {}
  let on: Parameters<Carrier['attach']>[0] | undefined
  const nothing = () => {}
  const carrier: Carrier = {
    write: (bytes, done) => {
      said.push(bytes.toString())
      flush = () => done()
    },
    pause: nothing,
    resume: nothing,
    end: () => void said.push('end'),
    destroy: () => void said.push('destroy'),
    reset: nothing,
    attach: listener => {
      on = listener
    },
  }
  const wire = new Wire(carrier, new Connections().open('mqtt', {}), () => true)
  return { wire, said, flush: () => flush(), comes: (text: string) => on?.data(Buffer.from(text, 'latin1')) }
}

test('a connection that finishes sends what waits, takes nothing that comes meanwhile, and closes', async () => {
  const { wire, said, flush, comes } = heldWire()
  const pingreq = '\xc0\x00'
  comes(pingreq)
  assert.notEqual(wire.read(), null)
  wire.write('connack')
  wire.finish()
  comes(pingreq)
  assert.equal(wire.read(), null)
  assert.deepEqual(said, ['connack'])
  flush()
  await new Promise(resolve => wire.once('close', resolve))
  assert.deepEqual(said, ['connack', 'end', 'destroy'])
})
