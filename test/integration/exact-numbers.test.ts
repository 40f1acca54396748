// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionRequest, Client } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { deviceAt, hostileCloud, mailText } from '../helpers/hostile-cloud.ts'

const iccid = '89014103211118510720'

test('the numbers of a call reach program and handler with every digit, also in a page that is too large', async t => {
  const cloud = await hostileCloud(t)
  const seen = new Map<string, Pick<ActionRequest, 'params' | 'written'>>()
  const before = ({ actions }: Client) => {
    actions.registerCommand('program', ['printf', '%s '])
    actions.register('handler', ({ id, params, written }) => {
      seen.set(id, written === undefined ? { params } : { params, written })
      return { params: { back: params.iccid } }
    })
  }
  const params = `{"iccid":${iccid},"ratio":1.50,"plain":7}`
  const fill = mailText('fill', 'handler', `{"fill":"${'x'.repeat(3_000_000)}"}`)
  cloud.pages.push(
    `[${mailText('p1', 'program', params)},${mailText('h1', 'handler', params)}]`,
    `[${mailText('p2', 'program', params)},${mailText('h2', 'handler', `{"in":{"list":[${iccid}]},"n":7}`)},${fill}]`,
  )
  await deviceAt(t, cloud, before)
  await eventually('the first answers', () => cloud.acks.length >= 2)
  cloud.notify()
  await eventually('the answers', () => cloud.acks.length === 5)
  const ackOf = (id: string) => cloud.acks.find(ack => ack.id === id)
  for (const id of ['p1', 'p2'])
    assert.deepEqual(ackOf(id)?.params, { exitCode: 0, stdout: `--iccid=${iccid} --ratio=1.50 --plain=7 `, stderr: '' })
  assert.deepEqual(seen.get('h1'), {
    params: { iccid, ratio: 1.5, plain: 7 },
    written: { iccid, ratio: '1.50' },
  })
  assert.deepEqual(seen.get('h2'), { params: { in: { list: [iccid] }, n: 7 } })
  assert.deepEqual(ackOf('h1')?.params, { back: iccid })
  assert.equal(ackOf('fill')?.errorCode, 2)
})
