// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import type { JsonObject } from '../../../src/base/json.ts'
import type { ActionOutcome } from '../../../src/protocol/action-reply.ts'
import { Status } from '../../../src/protocol/status.ts'
import { type ActionContext, type ActionHandler, ActionRegistry } from '../../../src/services/actions/registry.ts'
import { ActionRunner, maxRunning } from '../../../src/services/actions/runner.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

type Handler = ActionHandler<string>
const receipt = { accepted: true, delivered: async () => {} } as const

/** A runner whose replies are noted as short texts: `ID started`, `ID update TEXT`, `ID hand over STATUS`, `ID STATUS MESSAGE`. */
function actions(options: { startFails?: boolean; handOverFails?: boolean } = {}) {
  const clock = new FakeClock()
  const { log, text } = memoryLog(clock)
  const registry = new ActionRegistry<string>()
  const runner = new ActionRunner({ registry, owner: 'the client', clock, log })
  const said: string[] = []
  const outcomes = new Map<string, ActionOutcome>()
  /** Ids with the steps that need not be on the disk. */
  const lazy: string[] = []
  let last = 0
  const call = (name: string, params: JsonObject = {}) => {
    const id = `m${++last}`
    runner.run(
      { id, name, params },
      {
        started: async ({ lazily } = {}) => {
          if (lazily) lazy.push(`${id} started`)
          if (options.startFails) throw new AgentError('DISK_FULL', 'full')
          said.push(`${id} started`)
        },
        update: async line => {
          said.push(`${id} update ${line}`)
          return receipt
        },
        handOver: async (outcome, { onlyAfterReboot }) => {
          if (options.handOverFails) throw new AgentError('DISK_FULL', 'full')
          said.push(`${id} hand over ${outcome?.status}${onlyAfterReboot ? ' after a reboot' : ''}`)
        },
        finish: async (outcome, { lazily } = {}) => {
          if (lazily) lazy.push(`${id} finished`)
          outcomes.set(id, outcome)
          said.push(`${id} ${outcome.status}${outcome.message === undefined ? '' : ` ${outcome.message}`}`)
          return receipt
        },
      },
    )
    return id
  }
  /** Registers, calls once, and resolves to the outcome. */
  const outcomeOf = async (handler: Handler, params?: JsonObject) => {
    registry.add(`a${++last}`, handler)
    const id = call(`a${last}`, params)
    await settle()
    return outcomes.get(id)
  }
  return { clock, registry, runner, said, lazy, outcomes, call, outcomeOf, text }
}

/** A handler that never ends by itself, and the contexts of its calls. */
function hanging() {
  const contexts: ActionContext<string>[] = []
  const handler: Handler = (_request, context) => {
    contexts.push(context)
    return new Promise(() => {})
  }
  return { handler, contexts }
}

test('only an action that says so is recorded as one that may run twice', async () => {
  const { registry, call, lazy, said } = actions()
  registry.add('look', () => Status.Success, { repeatable: true })
  registry.add('open_valve', () => Status.Success)
  call('look')
  call('open_valve')
  await settle()
  assert.equal(said.length, 4)
  assert.deepEqual(lazy, ['m1 started', 'm1 finished'])
})

test('what a handler returns becomes the acknowledgement [TR50 4.2]', async () => {
  const { outcomeOf } = actions()
  assert.deepEqual(await outcomeOf(() => undefined), { status: 0 })
  assert.deepEqual(await outcomeOf(async () => Status.Full), { status: 7 })
  assert.deepEqual(await outcomeOf(() => ({ status: Status.Success, message: '' })), { status: 0, message: '' })
  assert.deepEqual(await outcomeOf(() => ({ status: Status.TryAgain, message: 'later', params: { inS: 5 } })), {
    status: 17,
    message: 'later',
    params: { inS: 5 },
  })
})

test('a text or values without a status are a success', async () => {
  const { outcomeOf } = actions()
  assert.deepEqual(await outcomeOf(() => ({ params: { litres: 3 } })), { status: 0, params: { litres: 3 } })
  assert.deepEqual(await outcomeOf(async () => ({ message: 'full' })), { status: 0, message: 'full' })
  const both = { status: undefined, message: 'full', params: { litres: 3 } }
  assert.deepEqual(await outcomeOf(() => both), { status: 0, message: 'full', params: { litres: 3 } })
})

test('a handler that throws is a failure with its text, as with the Python agent', async () => {
  const { outcomeOf } = actions()
  const broken = () => {
    throw new Error('no paper')
  }
  assert.deepEqual(await outcomeOf(broken), { status: 19, message: 'ERROR: no paper' })
  assert.deepEqual(await outcomeOf(async () => broken()), { status: 19, message: 'ERROR: no paper' })
  assert.deepEqual(await outcomeOf(() => Promise.reject('why')), { status: 19, message: 'ERROR: why' })
})

test('a return value that means nothing is status 2', async () => {
  const { outcomeOf } = actions()
  for (const value of [
    20,
    -1,
    1.5,
    true,
    null,
    'ok',
    [0],
    { status: 99 },
    { litres: 3 },
    {},
    { status: null, message: 'x' },
  ]) {
    const outcome = await outcomeOf((() => value) as unknown as Handler)
    assert.equal(outcome?.status, 2, JSON.stringify(value))
    assert.match(outcome?.message ?? '', /^ERROR: /)
  }
})

test('a member that means nothing does not cost a status its text and values; without a status it is no success', async () => {
  const { outcomeOf } = actions()
  const answer = (value: unknown) => outcomeOf((() => value) as unknown as Handler)
  const kept = await answer({ status: 5, message: 'half open', params: { angle: 40 }, litres: 3 })
  assert.deepEqual([kept?.status, kept?.params], [5, { angle: 40 }])
  assert.match(kept?.message ?? '', /^half open \(.*no member "litres"/)
  const misspelt = await answer({ staus: 5, message: 'broke' })
  assert.equal(misspelt?.status, 2)
  assert.match(misspelt?.message ?? '', /no member "staus"\. Did you mean "status"\?/)
})

test('values are plain JSON, taken at the moment of the return, and bounded', async () => {
  const { outcomeOf } = actions()
  const success = (params: object) => () => ({ status: Status.Success, params: { ...params } })
  assert.deepEqual((await outcomeOf(success({ at: new Date(0), gone: undefined, nested: [1] })))?.params, {
    at: '1970-01-01T00:00:00.000Z',
    nested: [1],
  })
  const circular: Record<string, unknown> = {}
  circular.self = circular
  for (const params of [circular, { big: 1n }]) assert.equal((await outcomeOf(success(params)))?.status, 19)
  assert.match((await outcomeOf(success({ text: 'ä'.repeat(50_000) })))?.message ?? '', /300011 bytes of params/)
  const long = await outcomeOf(() => ({ status: Status.Success, message: 'x'.repeat(100_000) }))
  assert.ok(Buffer.byteLength(long?.message ?? '') <= 16 * 1024)
  assert.match(long?.message ?? '', /\(100000 bytes, cut\)$/)
})

test('an unknown action is status 12, told apart by case', async () => {
  const { registry, call, said } = actions()
  registry.add('Ping', () => undefined)
  call('ping')
  call('nothing')
  call('Ping')
  await settle()
  assert.deepEqual(said, [
    'm1 12 ERROR: there is no action "ping".',
    'm2 12 ERROR: there is no action "nothing".',
    'm3 started',
    'm3 0',
  ])
})

test('a handler sees id, name, params and its client', async () => {
  const { registry, call } = actions()
  let seen: unknown
  registry.add('go', (request, { client }) => {
    seen = [request, client]
  })
  const id = call('go', { speed: 3 })
  await settle()
  assert.deepEqual(seen, [{ id, name: 'go', params: { speed: 3 } }, 'the client'])
})

test('a parameter of the wrong type is status 2 and names the parameter; the handler is not called', async () => {
  const { registry, call, outcomes } = actions()
  let calls = 0
  const parameters = {
    text: { type: 'string', required: true },
    ratio: { type: 'number' },
    count: { type: 'integer' },
    force: { type: 'boolean' },
  } as const
  registry.add('set', () => void calls++, { parameters })
  const answer = async (params: JsonObject) => {
    const id = call('set', params)
    await settle()
    return outcomes.get(id)?.message
  }
  assert.equal(await answer({}), 'ERROR: parameter "text" is missing; it must be text.')
  assert.equal(await answer({ text: null }), 'ERROR: parameter "text" is missing; it must be text.')
  assert.equal(await answer({ text: 7 }), 'ERROR: parameter "text" must be text, not the number 7.')
  assert.equal(await answer({ text: '', ratio: '1' }), 'ERROR: parameter "ratio" must be a number, not text.')
  assert.equal(
    await answer({ text: '', count: 1.5 }),
    'ERROR: parameter "count" must be a whole number, not the number 1.5.',
  )
  assert.equal(await answer({ text: '', force: 'yes' }), 'ERROR: parameter "force" must be true or false, not text.')
  assert.equal(await answer({ text: '', ratio: [1] }), 'ERROR: parameter "ratio" must be a number, not a list.')
  assert.equal(calls, 0)
  assert.equal(await answer({ text: '', ratio: 1.5, count: 2, force: false, more: {} }), undefined)
  assert.equal(calls, 1)
})

test('a number that JavaScript cannot hold is of no type for a handler, and a number for who takes it as it is written', async () => {
  const { registry, runner } = actions()
  const parameters = {
    n: { type: 'number' },
    i: { type: 'integer' },
    s: { type: 'string' },
    b: { type: 'boolean' },
  } as const
  registry.add('handler', () => Status.Success, { parameters })
  registry.add('command', () => Status.Success, { parameters }, true)
  const answer = async (name: string, parameter: string, digits: string) => {
    let text: string | undefined = 'ran'
    const reply = {
      started: async () => {},
      update: async () => receipt,
      handOver: async () => {},
      finish: async (outcome: ActionOutcome) => {
        text = outcome.message
        return receipt
      },
    }
    runner.run({ id: 'm', name, params: { [parameter]: digits }, written: { [parameter]: digits } }, reply)
    await settle()
    return text
  }
  const digits = '9007199254740993'
  for (const name of ['n', 'i'])
    assert.match((await answer('handler', name, digits)) ?? '', /not the number 9007199254740993, which is more than/)
  for (const name of ['handler', 'command']) {
    assert.equal(await answer(name, 's', digits), `ERROR: parameter "s" must be text, not the number ${digits}.`)
    assert.equal(
      await answer(name, 'b', digits),
      `ERROR: parameter "b" must be true or false, not the number ${digits}.`,
    )
  }
  assert.equal(await answer('command', 'n', digits), undefined)
  assert.equal(await answer('command', 'i', digits), undefined)
  assert.match((await answer('command', 'i', '1e400')) ?? '', /must be a whole number/)
  assert.equal(await answer('handler', 'free', digits), undefined)
})

test('wrong registrations are refused at once', () => {
  const { registry } = actions()
  const add = (...args: unknown[]) =>
    assert.throws(() => Reflect.apply(registry.add, registry, args), { code: 'INVALID_ARGUMENT' })
  add('a b', () => {})
  add('a', 'no function')
  add('a', () => {}, { timeoutMs: -1 })
  add('a', () => {}, { concurrency: 0 })
  add('a', () => {}, { parameters: { x: { type: 'date' } } })
  add('a', () => {}, { parameters: { x: { type: 'toString' } } })
  registry.add('a', () => {})
  add('a', () => {})
  assert.equal(registry.remove('a'), true)
  assert.equal(registry.remove('a'), false)
  registry.add('a', () => {})
})

test('"Invoked" goes out as an update, progress after it in order, and the answer once', async () => {
  const { registry, call, said, runner } = actions()
  const contexts: ActionContext<string>[] = []
  registry.add('update', (_request, context) => {
    contexts.push(context)
    return Status.Invoked
  })
  call('update')
  await settle()
  assert.equal(runner.running().length, 1)
  await contexts[0]?.progress('10 %')
  await contexts[0]?.progress('90 %')
  await contexts[0]?.acknowledge({ status: Status.Success, params: { files: 3 } })
  await contexts[0]?.acknowledge(Status.Failure)
  await contexts[0]?.progress('too late')
  assert.deepEqual(said, ['m1 started', 'm1 update Invoked', 'm1 update 10 %', 'm1 update 90 %', 'm1 0'])
  assert.deepEqual(runner.running(), [])
})

test('a call can be answered by its id, and Invoked is no answer', async () => {
  const { registry, call, said, runner } = actions()
  registry.add('later', () => Status.Invoked)
  const id = call('later')
  await settle()
  await assert.rejects(runner.acknowledge(id, Status.Invoked) ?? Promise.resolve(), { code: 'INVALID_ARGUMENT' })
  await runner.acknowledge(id, { status: Status.Full, message: 'full' })
  assert.equal(runner.acknowledge(id, Status.Success), undefined)
  assert.equal(said.at(-1), 'm1 7 full')
})

test('an answer given before the return counts; the return after it does not', async () => {
  const { registry, call, said } = actions()
  registry.add('reboot', async (_request, context) => {
    const first = await context.acknowledge(Status.Success)
    await first.delivered()
    throw new Error('ignored')
  })
  call('reboot')
  await settle()
  assert.deepEqual(said, ['m1 started', 'm1 0'])
})

test('a call that is handed over gets no answer from this process, whatever the handler returns', async () => {
  const { registry, call, said, runner } = actions()
  registry.add('update', async (_request, context) => {
    await context.handOver()
    await assert.rejects(context.handOver(), { code: 'INVALID_ARGUMENT' })
    return Status.Failure
  })
  registry.add('reset', async (_request, context) => {
    await assert.rejects(context.handOver(Status.Invoked), { code: 'INVALID_ARGUMENT' })
    await context.handOver({ message: 'here again' }, { onlyAfterReboot: true })
  })
  call('update')
  call('reset')
  await settle()
  assert.deepEqual(runner.running(), [])
  await runner.close(0)
  assert.deepEqual(said, ['m1 started', 'm2 started', 'm1 hand over undefined', 'm2 hand over 0 after a reboot'])
})

test('a call that was handed over can still be answered before the process ends', async () => {
  const { registry, call, said } = actions()
  registry.add('reboot', async (_request, context) => {
    await context.handOver(Status.Success)
    await context.acknowledge(Status.Success)
    return Status.Failure
  })
  call('reboot')
  await settle()
  assert.deepEqual(said, ['m1 started', 'm1 hand over 0', 'm1 0'])
})

test('a call that cannot be handed over goes on in this process', async () => {
  const { registry, call, said } = actions({ handOverFails: true })
  registry.add('reset', (_request, context) => context.handOver())
  call('reset')
  await settle()
  assert.deepEqual(said, ['m1 started', 'm1 19 ERROR: full'])
})

test('an action that overruns is answered with 16, its signal fires, and what it returns later is ignored', async () => {
  const { registry, call, said, clock, runner } = actions()
  let finish: (value: Status) => void = () => {}
  const reasons: unknown[] = []
  registry.add(
    'slow',
    (_request, { signal }) => {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return new Promise(resolve => {
        finish = resolve
      })
    },
    { timeoutMs: 1500, concurrency: 1 },
  )
  call('slow')
  call('slow')
  await clock.advance(1499)
  assert.deepEqual(said, ['m1 started'])
  await clock.advance(1)
  assert.deepEqual(said.slice(1), ['m1 16 ERROR: the action did not end within 1.5 s.', 'm2 started'])
  assert.ok(reasons[0] instanceof AgentError && reasons[0].code === 'TIMEOUT')
  finish(Status.Success)
  await settle()
  assert.deepEqual(said.at(-1), 'm2 0')
  assert.equal(said.length, 4)
  assert.deepEqual(runner.running(), [])
  assert.equal(clock.timers, 0)
})

test('the deadline holds for an action that answers later, too', async () => {
  const { registry, call, said, clock } = actions()
  registry.add('later', () => Status.Invoked, { timeoutMs: 1000 })
  call('later')
  await clock.advance(1000)
  assert.equal(said.at(-1), 'm1 16 ERROR: the action did not end within 1 s.')
})

test('calls of one action run up to its concurrency; a hanging action does not hold up another', async () => {
  const { registry, call, said } = actions()
  const { handler, contexts } = hanging()
  registry.add('hang', handler, { concurrency: 2, timeoutMs: 0 })
  registry.add('ping', () => undefined)
  for (let times = 0; times < 4; times++) call('hang')
  call('ping')
  await settle()
  assert.deepEqual(said.sort(), ['m1 started', 'm2 started', 'm5 0', 'm5 started'])
  void contexts[0]?.acknowledge()
  await settle()
  assert.ok(said.includes('m3 started'))
  assert.ok(!said.includes('m4 started'))
})

test('all actions together are bounded, and none is lost', async () => {
  const { registry, call, said, runner } = actions()
  const { handler, contexts } = hanging()
  for (let name = 0; name < 10; name++) registry.add(`hang${name}`, handler, { timeoutMs: 0 })
  for (let times = 0; times < 80; times++) call(`hang${times % 10}`)
  await settle()
  assert.equal(runner.running().length, maxRunning)
  while (contexts.length > 0) {
    await contexts.shift()?.acknowledge()
    await settle()
  }
  assert.equal(said.filter(line => / 0$/.test(line)).length, 80)
})

test('closing tells running actions to stop and answers everything within the grace', async () => {
  const { registry, call, said, runner, clock } = actions()
  const { handler } = hanging()
  registry.add('polite', (_request, { signal }) => {
    return new Promise(resolve => signal.addEventListener('abort', () => resolve(Status.TryAgain)))
  })
  registry.add('stubborn', handler, { concurrency: 1 })
  call('polite')
  call('stubborn')
  call('stubborn')
  await settle()
  said.length = 0
  const closed = runner.close(1000)
  await settle()
  assert.deepEqual(said, ['m3 17 ERROR: the agent ends; the action was not started.', 'm1 17'])
  call('polite')
  await clock.advance(1000)
  await closed
  assert.deepEqual(said.slice(2), [
    'm4 17 ERROR: the agent ends; the action was not started.',
    'm2 19 ERROR: the agent ended before the action did.',
  ])
  assert.equal(clock.timers, 0)
})

test('an action whose start cannot be recorded does not run', async () => {
  const { registry, call, said } = actions({ startFails: true })
  let calls = 0
  registry.add('a', () => void calls++)
  call('a')
  await settle()
  assert.equal(calls, 0)
  assert.deepEqual(said, ['m1 8 ERROR: the call could not be recorded, and was not run.'])
})
