// SPDX-License-Identifier: Apache-2.0
/** What a program without TypeScript hands in: nothing of it is dropped without a word. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { Client } from '../../../src/client/client.ts'
import { settingsOf } from '../../../src/config/table.ts'
import { Status } from '../../../src/protocol/status.ts'

// Values that only the client checks.
const loose = <T>(value: unknown): T => value as T

type Call = (client: Client, options: object) => unknown

/** Every public call with options: how it is called, and the names that it takes. */
const calls: Readonly<Record<string, readonly [call: Call, names: string]>> = {
  'new Client': [
    (_, options) => new Client('app', { offline: true, ...options }),
    'configDir configFile settings logger offline queueLock',
  ],
  connect: [(client, options) => client.connect(options), 'timeoutMs signal'],
  disconnect: [(client, options) => client.disconnect(options), 'waitForReplies timeoutMs'],
  'telemetry.publish': [({ telemetry }, options) => telemetry.publish('t', 1, options), 'timestamp corrId aggregate'],
  'telemetry.current': [({ telemetry }, options) => telemetry.current('t', options), 'timestamp timeoutMs signal'],
  'attributes.publish': [
    ({ attributes }, options) => attributes.publish('a', 'x', options),
    'timestamp republish corrId',
  ],
  'attributes.current': [({ attributes }, options) => attributes.current('a', options), 'timestamp timeoutMs signal'],
  'alarms.publish': [
    ({ alarms }, options) => alarms.publish('a', 1, options),
    'message republish timestamp corrId latitude longitude',
  ],
  'events.publish': [({ events }, options) => events.publish('e', options), 'level timestamp corrId global'],
  'location.publish': [
    ({ location }, options) => location.publish({ latitude: 1, longitude: 2, ...options }),
    'latitude longitude heading altitude speed accuracy fixType timestamp corrId streetNumber street city state zipCode country',
  ],
  'thing.update': [
    ({ thing }, options) => thing.update({ name: 'n', ...options }),
    'name description iccid esn imei meid imsi tags secTags locationEnabled corrId unset',
  ],
  'diagnostics.ping': [({ diagnostics }, options) => diagnostics.ping(options), 'timeoutMs signal'],
  'diagnostics.time': [({ diagnostics }, options) => diagnostics.time(options), 'timeoutMs signal'],
  'diagnostics.echo': [({ diagnostics }, options) => diagnostics.echo({}, options), 'timeoutMs signal'],
  'actions.register': [
    ({ actions }, options) => actions.register('new', () => {}, options),
    'timeoutMs concurrency parameters repeatable',
  ],
  'actions.registerCommand': [
    ({ actions }, options) => actions.registerCommand('new', '/bin/true', options),
    'timeoutMs concurrency parameters repeatable maxOutputBytes',
  ],
  'files.upload': [
    ({ files }, options) => files.upload('/nowhere', options),
    'global timeoutMs signal onProgress name public tags secTags logComplete',
  ],
  'files.download': [
    ({ files }, options) => files.download('n', '/nowhere', options),
    'global timeoutMs signal onProgress',
  ],
  'receipt.delivered': [
    async ({ events }, options) => (await events.publish('e')).delivered(options),
    'timeoutMs signal',
  ],
}

/** Public calls without options. */
const plain = ['open', 'spill', 'on', 'off', 'setLogLevel', 'status']
const plainActions = ['deregister', 'acknowledge', 'handedOver', 'progress']

function offline(): Client {
  return new Client('app', { offline: true, settings: { quiet: true } })
}

async function errorOf(call: () => unknown): Promise<AgentError> {
  try {
    await call()
  } catch (error) {
    assert.ok(error instanceof AgentError, String(error))
    return error
  }
  return assert.fail('it was taken')
}

test('every public call is looked at here', () => {
  const client = offline()
  const methods = (prefix: string, of: object) =>
    Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(of)))
      .filter(([name, { value }]) => name !== 'constructor' && typeof value === 'function')
      .map(([name]) => `${prefix}${name}`)
  const { telemetry, attributes, alarms, events, location, thing, diagnostics, actions, files } = client
  const services = { telemetry, attributes, alarms, events, location, thing, diagnostics, actions, files }
  const all = [
    ...methods('', client),
    ...Object.entries(services).flatMap(([name, service]) => methods(`${name}.`, service)),
  ]
  const known = ['new Client', 'receipt.delivered', ...all]
  const without = [...plain, ...plainActions.map(name => `actions.${name}`)]
  const looked = [...Object.keys(calls), ...without]
  const missing = known.filter(name => !looked.includes(name))
  assert.deepEqual(known.toSorted(), looked.toSorted(), `calls that this test does not know yet: ${missing.join(', ')}`)
})

for (const [name, [call, names]] of Object.entries(calls)) {
  test(`${name} refuses an option that it does not know, and says what it takes`, async () => {
    const { code, message, remedy, details } = await errorOf(() => call(offline(), { nonsense_: 1 }))
    assert.equal(code, 'INVALID_ARGUMENT')
    assert.equal(message, `${name} has no option "nonsense_". It takes ${names.split(' ').join(', ')}.`)
    assert.equal(remedy, 'Remove it.')
    assert.deepEqual(details, { call: name, argument: 'nonsense_', allowed: names.split(' ') })
    for (const known of names.split(' ')) {
      const wrong = `${known}x`
      const meant = await errorOf(() => call(offline(), { [wrong]: 1 }))
      assert.match(meant.message, new RegExp(`has no option "${wrong}"\\. Did you mean "${known}"\\?`))
      assert.equal(meant.remedy, `Write "${known}", or remove it.`)
    }
  })

  test(`${name}: what is undefined counts as absent`, async () => {
    const optional = names.split(' ').filter(one => !(name === 'location.publish' && /itude/.test(one)))
    const taken = { nonsense_: undefined, ...Object.fromEntries(optional.map(one => [one, undefined])) }
    const needed = name === 'thing.update' ? { name: 'n' } : name === 'new Client' ? { offline: true } : {}
    const client = offline()
    try {
      await call(client, { ...taken, ...needed })
    } catch (error) {
      // No cloud answers an offline client.
      assert.equal(error instanceof AgentError && error.code, 'NOT_CONNECTED')
    }
    await client.disconnect()
  })
}

test('options that are no object are refused', async () => {
  for (const options of [null, 7, 'x', true, [], ['timestamp']]) {
    const { telemetry, location, files } = offline()
    assert.equal((await errorOf(() => telemetry.publish('t', 1, loose(options)))).code, 'INVALID_ARGUMENT')
    assert.equal((await errorOf(() => location.publish(loose(options)))).code, 'INVALID_ARGUMENT')
    assert.equal((await errorOf(() => files.upload('/x', loose(options)))).code, 'INVALID_ARGUMENT')
    assert.equal((await errorOf(() => new Client('app', loose(options)))).code, 'INVALID_ARGUMENT')
  }
})

test('what is near a known name is told, also in the words of the wire and of other languages', async () => {
  const { telemetry, location, events, thing, files } = offline()
  const rows: readonly (readonly [call: () => unknown, meant: string])[] = [
    [() => location.publish(loose({ latitude: 1, longitude: 2, altitud: 3 })), 'altitude'],
    [() => location.publish(loose({ lat: 1, longitude: 2 })), 'latitude'],
    [() => location.publish(loose({ latitude: 1, longitude: 2, fix_type: 'gps' })), 'fixType'],
    [() => telemetry.publish('t', 1, loose({ corr_id: 'c' })), 'corrId'],
    [() => telemetry.publish('t', 1, loose({ timeStamp: 1 })), 'timestamp'],
    [() => events.publish('e', loose({ Level: 'info' })), 'level'],
    [() => thing.update(loose({ desc: 'x' })), 'description'],
    [() => files.upload('/x', loose({ timeout: 1 })), 'timeoutMs'],
  ]
  for (const [call, meant] of rows)
    assert.match((await errorOf(call)).message, new RegExp(`Did you mean "${meant}"\\?`))
})

test('values are checked: a text or a number is no yes or no, and a wait is a bounded number', async () => {
  const { telemetry, attributes, alarms, events, thing, actions, files, diagnostics } = offline()
  const rows: readonly (readonly [call: () => unknown, text: RegExp])[] = [
    [() => telemetry.publish('t', 1, { aggregate: loose('false') }), /^aggregate must be true or false, not "false"/],
    [() => telemetry.publish('t', 1, { corrId: loose(7) }), /^corrId must be text, not 7/],
    [() => telemetry.publish('t', 1, { corrId: 'x'.repeat(1025) }), /^corrId must have at most 1024 bytes/],
    [() => telemetry.publish('t', 1, { timestamp: '2024-02-30T10:00:00Z' }), /^timestamp must be RFC 3339/],
    [() => telemetry.publish('t', 1, { timestamp: new Date('x') }), /^timestamp must be .*, not an invalid Date/],
    [() => telemetry.current('t', { timestamp: 'noon' }), /^timestamp must be RFC 3339/],
    [() => telemetry.current('t', { timeoutMs: Number.NaN }), /^timeoutMs must be a number of milliseconds/],
    [() => attributes.publish('a', 'x', { republish: loose(1) }), /^republish must be true or false, not 1/],
    [() => attributes.current('a', { signal: loose('stop') }), /^signal must be an AbortSignal, not "stop"/],
    [() => alarms.publish('a', 1, { republish: loose('no') }), /^republish must be true or false/],
    [() => alarms.publish('a', 1, { latitude: 1 }), /^latitude is there and longitude is not\./],
    [() => alarms.publish('a', 1, { latitude: 91, longitude: 1 }), /^latitude must be from -90 to 90, not 91/],
    [() => events.publish('e', { level: loose(['error']) }), /^The level of an event must be/],
    [() => events.publish('e', { global: loose('no') }), /^global must be true or false/],
    [() => thing.update({ tags: loose('a') }), /^tags must be an array of texts, not "a"/],
    [() => thing.update({ tags: [loose(7)] }), /^tags\[0\] must be text, not 7/],
    [() => thing.update({ unset: loose('imei') }), /^unset must be an array of texts/],
    [() => thing.update({ locationEnabled: loose(0) }), /^locationEnabled must be true or false/],
    [() => actions.register('r', () => {}, { repeatable: loose('no') }), /^repeatable of .* must be true or false/],
    [() => actions.register('r', () => {}, { parameters: loose(7) }), /^parameters of .* must be an object of rules/],
    [
      () => actions.register('r', () => {}, { parameters: { p: loose({ type: 'string', requird: true }) } }),
      /^the parameter "p" of the action "r" has no rule "requird"\. Did you mean "required"\?/,
    ],
    [() => files.upload('/x', { public: loose('false') }), /^public must be true or false, not "false"/],
    [() => files.upload('/x', { tags: loose('a') }), /^tags must be an array of texts/],
    [() => files.upload('/x', { onProgress: loose(true) }), /^onProgress must be a function/],
    [() => files.download('n', '/x', { global: loose('false') }), /^global must be true or false/],
    [() => files.download('n', '/x', { timeoutMs: loose('5') }), /^timeoutMs must be a number/],
    [() => diagnostics.ping({ timeoutMs: -1 }), /^timeoutMs must be a number of milliseconds from 0/],
    [() => diagnostics.echo(loose('x')), /^What is echoed must be an object/],
    [() => offline().disconnect({ waitForReplies: loose('no') }), /^waitForReplies must be true or false/],
    [() => new Client('app', { offline: loose('false') }), /^offline must be true or false/],
  ]
  for (const [call, text] of rows) {
    const { code, message } = await errorOf(call)
    assert.deepEqual([code, text.test(message)], ['INVALID_ARGUMENT', true], `${message} is not ${text}`)
  }
})

test('settings are those of the connection file, nested or under their whole names; others are refused', async () => {
  const values = { text: 'x', host: 'h', path: '/p', integer: 1, number: 1, boolean: true } as const
  for (const { key, type } of settingsOf('connect')) {
    const value = type.kind in values ? values[loose<keyof typeof values>(type.kind)] : loose(null)
    const [section = '', name] = key.split('.')
    const nested = name === undefined ? { [section]: value } : { [section]: { [name]: value } }
    for (const settings of [nested, { [key]: value }, { [key]: undefined }])
      assert.ok(new Client('app', { offline: true, settings: loose(settings) }), key)
  }
  const rows: readonly (readonly [settings: object, text: RegExp])[] = [
    [
      { cloud: { hots: 'h' } },
      /^The settings given to the client have no "cloud\.hots"\. Did you mean "cloud\.host"\?/,
    ],
    [{ 'cloud.hots': 'h' }, /^The settings given to the client have no "cloud\.hots"\. Did you mean "cloud\.host"\?/],
    [{ host: 'h' }, /^The settings given to the client have no "host"\. Did you mean "cloud\.host"\?/],
    [{ qosLevel: 1 }, /^The settings given to the client have no "qosLevel"\. Did you mean "qos_level"\?/],
    [{ runtime_dir: '/r' }, /^The settings given to the client have no "runtime_dir"\./],
    [
      { ota: { public_key: [] } },
      /^The settings given to the client have no "ota\.public_key"\. Did you mean "ota\.public_keys"\?/,
    ],
    [{ nonsense: { cloud: 1 } }, /^The settings given to the client have no "nonsense"\.$/],
  ]
  for (const [settings, text] of rows) {
    const { code, message } = await errorOf(() => new Client('app', { offline: true, settings: loose(settings) }))
    assert.deepEqual([code, text.test(message)], ['INVALID_ARGUMENT', true], message)
  }
})

test('an answer with a member that means nothing is no success', async () => {
  const { actions } = offline()
  const result = loose<{ status: Status }>({ message: 'it broke', staus: Status.Failure })
  const { code, message } = await errorOf(() => actions.acknowledge('id', result))
  assert.equal(code, 'INVALID_ARGUMENT')
  assert.match(message, /the answer of an action has no member "staus"\. Did you mean "status"\?/)
})
