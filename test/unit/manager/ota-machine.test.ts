// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseManifest } from '../../../src/manager/ota/package/manifest.ts'
import {
  firstState,
  isTrial,
  maxTries,
  nextState,
  rebootsAtEnd,
  resume,
  type Step,
  type StepResult,
  type UpdateState,
  withScript,
} from '../../../src/manager/ota/state/index.ts'
import { readUpdateRequest } from '../../../src/manager/ota/state/request.ts'

const request = readUpdateRequest('mail-1', { package: 'p.zip' })
const allSteps: readonly Step[] = [
  ...(['download', 'unpack', 'pre_install', 'install', 'post_install', 'agent', 'restart', 'health', 'adopt'] as const),
  ...(['error_action', 'report', 'finish', 'reboot', 'done'] as const),
]
const done: StepResult = { kind: 'done' }
const failed: StepResult = { kind: 'failed', status: 4, text: 'exit code 1' }

/** Goes through an update whose package says `json`; `fails` names the steps that fail. Returns the steps. */
function walk(json: object, fails: readonly Step[] = []): { steps: Step[]; end: UpdateState } {
  const { manifest } = parseManifest(JSON.stringify({ install: 'true', ...json }))
  const steps: Step[] = []
  let state = firstState(request, 'boot-1')
  while (state.step !== 'done') {
    steps.push(state.step)
    if (!['download', 'unpack'].includes(state.step)) state = withScript(state, 'a script')
    const result = fails.includes(state.step) ? failed : state.step === 'unpack' ? { ...done, manifest } : done
    state = nextState(state, result, 'boot-1')
  }
  return { steps, end: state }
}

test('the steps of an update, as far as the package asks for them', () => {
  const begin = ['download', 'unpack', 'pre_install', 'install', 'post_install']
  const end = ['report', 'finish']
  assert.deepEqual(walk({}).steps, [...begin, ...end])
  assert.deepEqual(walk({ reboot: 'yes' }).steps, [...begin, ...end, 'reboot'])
  assert.deepEqual(walk({ reboot: true }).steps, [...begin, ...end, 'reboot'])
  assert.deepEqual(walk({ reboot: 'no' }).steps, [...begin, ...end])
  assert.deepEqual(walk({ health_check: true }).steps, [...begin, 'health', ...end])
  assert.deepEqual(walk({ health_check: true, reboot: 'Yes' }).steps, [...begin, 'restart', 'health', ...end])
  // A new agent proves itself in any case.
  assert.deepEqual(walk({ agent: 'x' }).steps, [...begin, 'agent', 'health', 'adopt', ...end])
  assert.deepEqual(walk({ agent: 'x', health_check: false, reboot: 'yes' }).steps, [
    ...begin,
    ...['agent', 'restart', 'health', 'adopt'],
    ...end,
  ])
  assert.equal(walk({ agent: 'x' }).end.manifest?.healthCheck?.timeoutS, 300)
})

test('a failure runs error_action from pre_install on, and the answer tells the first failure', () => {
  assert.deepEqual(walk({ error_action: 'undo' }, ['download']).steps, ['download', 'report', 'finish'])
  assert.deepEqual(walk({ error_action: 'undo' }, ['unpack']).steps, ['download', 'unpack', 'report', 'finish'])
  assert.deepEqual(walk({}, ['pre_install']).steps, ['download', 'unpack', 'pre_install', 'report', 'finish'])
  const { steps, end } = walk({ error_action: 'undo' }, ['install', 'error_action'])
  assert.deepEqual(steps.slice(3), ['install', 'error_action', 'report', 'finish'])
  assert.equal(end.failure?.step, 'install')
  assert.match(end.failure?.text ?? '', /^exit code 1; error_action failed too: exit code 1$/)
})

test('a failure that is a full sentence loses its stop where more is added to it', () => {
  const { manifest } = parseManifest(JSON.stringify({ install: 'true', agent: 'new-agent', error_action: 'undo' }))
  const failure = { step: 'agent', status: 4, text: 'Cannot write x: no space.' } as const
  const state: UpdateState = { ...firstState(request, 'boot-1'), manifest, failure }
  const undone = nextState({ ...state, step: 'error_action' }, failed, 'boot-1')
  assert.equal(undone.failure?.text, 'Cannot write x: no space; error_action failed too: exit code 1')
  const resumed = resume({ ...state, step: 'report' }, { bootId: 'boot-1', inPlace: true })
  assert.ok(resumed.kind === 'continue')
  assert.equal(
    resumed.state.failure?.text,
    'Cannot write x: no space; the new agent is in place nevertheless, and runs',
  )
})

test('a health check that fails after the reboot undoes the update and reboots once more', () => {
  const { steps } = walk({ error_action: 'undo', health_check: true, reboot: 'yes' }, ['health'])
  assert.deepEqual(steps.slice(5), ['restart', 'health', 'error_action', 'report', 'finish', 'reboot'])
})

test('a new agent that fails, or cannot be put in place, is undone and told', () => {
  const steps = (fails: Step) => walk({ agent: 'x', error_action: 'undo' }, [fails]).steps.slice(5)
  assert.deepEqual(steps('agent'), ['agent', 'error_action', 'report', 'finish'])
  assert.deepEqual(steps('health'), ['agent', 'health', 'error_action', 'report', 'finish'])
  assert.deepEqual(steps('adopt'), ['agent', 'health', 'adopt', 'error_action', 'report', 'finish'])
})

test('the new agent has the steps of its trial, and no other', () => {
  const manifest = parseManifest('{"install": "true", "agent": "x"}').manifest
  const probation = { result: 'passed' } as const
  const trials = (state: Partial<UpdateState>) =>
    allSteps.filter(step => isTrial({ ...at(step, { manifest, ...state }) }))
  assert.deepEqual(trials({}), ['restart', 'health'])
  assert.deepEqual(trials({ probation }), ['agent', 'restart', 'health'])
  // An update without an agent has none.
  assert.deepEqual(trials({ manifest: at('agent').manifest, probation } as Partial<UpdateState>), [])
  // The old one that finds such a step has lost the new one.
  for (const step of ['agent', 'restart', 'health'] as const) {
    const found = resume(at(step, { manifest, probation }), { bootId: 'boot-2' })
    assert.ok(found.kind === 'ended' && found.result.kind === 'failed', step)
    const own = resume(at(step, { manifest, probation }), { bootId: 'boot-2', onTrial: true })
    assert.ok(own.kind === 'continue' || own.result.kind === 'done', step)
  }
})

test('a refused package never reboots the machine', () => {
  const state = firstState(request, 'boot-1')
  assert.equal(rebootsAtEnd(nextState(state, failed, 'boot-1')), false)
})

/** The state in which a process was ended, in `step`. */
function at(step: Step, more: Partial<UpdateState> = {}): UpdateState {
  const { manifest } = parseManifest('{"install": "true", "error_action": "undo"}')
  return { ...firstState(request, 'boot-1'), step, manifest, ...more }
}

test('after an end at any point there is one defined way to go on', () => {
  const script = '7 7 boot-1'
  const cases: readonly (readonly [UpdateState, Parameters<typeof resume>[1], string])[] = [
    [at('download'), { bootId: 'boot-1' }, 'continue'],
    [at('unpack'), { bootId: 'boot-2' }, 'continue'],
    [at('install'), { bootId: 'boot-2' }, 'continue'],
    [at('install', { script }), { bootId: 'boot-1', fate: 'runs' }, 'continue'],
    [at('install', { script }), { bootId: 'boot-2', fate: 'ended' }, 'continue'],
    [at('install', { script }), { bootId: 'boot-1', fate: 'lost' }, 'the agent ended while the script ran'],
    [at('install', { script }), { bootId: 'boot-2', fate: 'lost' }, 'the machine restarted while the script ran'],
    [at('error_action', { script }), { bootId: 'boot-2', fate: 'lost' }, 'the machine restarted'],
    [at('restart'), { bootId: 'boot-2' }, 'done'],
    [at('restart'), { bootId: 'boot-1' }, 'continue'],
    [at('reboot'), { bootId: 'boot-2' }, 'done'],
    [at('reboot'), { bootId: 'boot-1' }, 'continue'],
    [at('agent'), { bootId: 'boot-1' }, 'continue'],
    [at('agent', { probation: { result: 'passed' } }), { bootId: 'boot-1' }, 'done'],
    [
      at('agent', { probation: { result: 'begun' } }),
      { bootId: 'boot-1' },
      'ended during the preflight of the new agent',
    ],
    [at('agent', { probation: { result: 'failed', text: 'no login' } }), { bootId: 'boot-1' }, 'no login'],
    [at('adopt'), { bootId: 'boot-2' }, 'done'],
    [at('adopt'), { bootId: 'boot-2', candidateWaits: false }, 'done'],
    [at('adopt'), { bootId: 'boot-2', candidateWaits: true }, 'could not be put in place'],
    [at('report'), { bootId: 'boot-2' }, 'continue'],
    [at('finish'), { bootId: 'boot-2' }, 'continue'],
  ]
  for (const [state, found, expected] of cases) {
    const resumption = resume(state, found)
    const { kind } = resumption
    const text = kind === 'continue' ? kind : resumption.result.kind === 'done' ? 'done' : resumption.result.text
    assert.ok(text.includes(expected), `${state.step}: ${text} instead of ${expected}`)
  }
})

test('a step that brings the agent down each time is given up; the answer is not', () => {
  for (const step of ['download', 'unpack', 'install', 'restart', 'reboot'] as const) {
    let state = at(step)
    let tries = 0
    for (
      let found = resume(state, { bootId: 'boot-1' });
      found.kind === 'continue';
      found = resume(state, { bootId: 'boot-1' })
    ) {
      state = found.state
      tries++
    }
    assert.equal(tries, maxTries, step)
  }
  let state = at('report')
  for (let round = 0; round < 3 * maxTries; round++) {
    const found = resume(state, { bootId: 'boot-1' })
    assert.ok(found.kind === 'continue')
    state = found.state
  }
})

test('update.json: what it may say, and what is refused in words', () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ['', /not a JSON object/],
    ['[]', /not a JSON object/],
    [`{"install":"x","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested deeper than 64 levels/],
    [{}, /"install" is missing/],
    [{ install: 7 }, /"install" must be text/],
    [{ install: 'a\0b' }, /NUL/],
    [{ install: 'x', script_timeout: -1 }, /script_timeout/],
    [{ install: 'x', health_check: 'yes' }, /health_check/],
    [{ install: 'x', health_check: { timeout: 'soon' } }, /health_check\.timeout/],
    [{ install: 'x', files: { a: 'short' } }, /64 hexadecimal digits/],
    [{ install: 'x', release: 1.5 }, /"release" must be a whole number/],
    [{ install: 'x', agent: {} }, /"agent" must be the path/],
  ]
  for (const [json, why] of bad)
    assert.throws(() => parseManifest(typeof json === 'string' ? json : JSON.stringify(json)), why)
  const { manifest } = parseManifest('\ufeff{"install": " sh x.sh ", "pre_install": null, "anything": {"else": 1}}')
  assert.equal(manifest.install, 'sh x.sh')
  assert.equal(manifest.preInstall, '')
})

test('the parameters of software_update: names are names, and the log gets a harmless one', () => {
  const read = (params: object) => readUpdateRequest('id', { package: 'p.zip', ...params })
  assert.equal(read({}).timeoutS, 600)
  assert.equal(read({ ota_timeout: 0 }).timeoutS, 600)
  assert.equal(read({ ota_timeout: '90' }).timeoutS, 90)
  assert.equal(read({ extra_params: { a: 1 } }).extraParams, '{"a":1}')
  assert.equal(read({ ota_logfile: '../../my log.txt' }).logName, '.._.._my_log.txt')
  assert.equal(read({ ota_logfile: '..' }).logName, 'ota_install.log')
  for (const name of ['a/b.zip', '..', '.', 'a\\b.zip', 'a\nb.zip', `${'x'.repeat(300)}.zip`])
    assert.throws(() => read({ package: name }), /plain name/, name)
})
