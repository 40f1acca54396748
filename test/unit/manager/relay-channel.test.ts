// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ChannelInput, type ChannelState, nextStep } from '../../../src/manager/relay/channel-state.ts'

/** Plays inputs from `closed`; answers the states and everything that was to be done. */
function play(...inputs: readonly ChannelInput[]): { states: string; effects: string } {
  let state: ChannelState = 'closed'
  const states: ChannelState[] = []
  const effects: string[] = []
  for (const input of inputs) {
    const step = nextStep(state, input)
    state = step.state
    states.push(state)
    effects.push(...step.effects)
  }
  return { states: states.join(' '), effects: effects.join(' ') }
}

test('a client comes, the service answers, the client goes', () => {
  assert.deepEqual(play('cloud-connect', 'dialed', 'cloud-disconnect', 'local-closed'), {
    states: 'connecting open closing closed',
    effects: 'dial finish leave',
  })
})

test('the cloud hears when the local side goes, and only then [TR50 6.5 rule 5] [TR50 6.5 rule 6]', () => {
  assert.equal(play('cloud-connect', 'dialed', 'local-closed').effects, 'dial leave notify-cloud')
  assert.equal(play('cloud-connect', 'dial-failed').effects, 'dial notify-cloud')
  assert.equal(play('cloud-connect', 'cloud-disconnect', 'dial-failed').effects, 'dial finish')
  assert.equal(play('cloud-connect', 'dialed', 'dropped').effects, 'dial abandon notify-cloud')
})

test('a client that comes anew gets a new local connection [TR50 6.5 rule 8]', () => {
  assert.equal(play('cloud-connect', 'dialed', 'cloud-connect').effects, 'dial abandon dial')
  assert.equal(play('cloud-connect', 'cloud-connect').effects, 'dial abandon dial')
  // The one before has all its bytes: it may end in peace.
  assert.equal(play('cloud-connect', 'dialed', 'cloud-disconnect', 'cloud-connect').effects, 'dial finish leave dial')
})

test('what makes no sense changes nothing [TR50 6.5 rule 7]', () => {
  const inputs: readonly ChannelInput[] = ['cloud-disconnect', 'dialed', 'dial-failed', 'local-closed', 'dropped']
  for (const input of inputs) assert.deepEqual(nextStep('closed', input), { state: 'closed', effects: [] })
  assert.deepEqual(nextStep('closing', 'cloud-disconnect'), { state: 'closing', effects: [] })
  assert.deepEqual(nextStep('open', 'dialed'), { state: 'open', effects: [] })
})
