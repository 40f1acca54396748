// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/base/json.ts'
import {
  type CommandOptions,
  commandHandler,
  type ProgramResult,
  type RunProgramOptions,
} from '../../../src/services/actions/command.ts'
import { outcomeOf } from '../../../src/services/actions/outcome.ts'

const ended = (more: Partial<ProgramResult> = {}): ProgramResult => ({
  exitCode: 0,
  stdout: '',
  stderr: '',
  truncated: false,
  ...more,
})

/** Runs a registered command against a platform that notes what it is asked to start. */
async function run(
  params: JsonObject,
  options: {
    program?: string | readonly string[]
    result?: ProgramResult | Error
    command?: CommandOptions
    written?: Readonly<Record<string, string>>
  } = {},
) {
  const started: { argv: readonly string[]; options: RunProgramOptions }[] = []
  const { program = '/opt/tool', result = ended() } = options
  const runProgram = async (argv: readonly string[], given: RunProgramOptions) => {
    started.push({ argv, options: given })
    if (result instanceof Error) throw result
    return result
  }
  const handler = commandHandler<undefined>(program, runProgram, options.command)
  const { signal } = new AbortController()
  const returned = await handler(
    { id: 'm1', name: 'tool', params, ...(options.written === undefined ? {} : { written: options.written }) },
    {
      client: undefined,
      signal,
      progress: async () => {},
      acknowledge: () => Promise.reject(),
      handOver: async () => {},
    },
  )
  const outcome = outcomeOf(returned)
  assert.ok(outcome !== 'invoked')
  return { argv: started[0]?.argv, options: started[0]?.options, outcome, signal }
}

test('parameters become --name=value; true is a bare option, false and null are left out', async () => {
  const { argv, options, signal } = await run({ path: '/a b', n: 1.5, fast: true, slow: false, none: null })
  assert.deepEqual(argv, ['/opt/tool', '--path=/a b', '--n=1.5', '--fast'])
  assert.equal(options?.signal, signal)
})

test('a number reaches the program as the operator wrote it; one that is declared as an integer in plain digits', async () => {
  const params = { iccid: '89014103211118510720', x: 1.5, n: 1000, other: 2 }
  const written = { iccid: '89014103211118510720', x: '1.50', n: '1e3' }
  const plain = await run(params, { written })
  assert.deepEqual(plain.argv?.slice(1), ['--iccid=89014103211118510720', '--x=1.50', '--n=1e3', '--other=2'])
  const parameters = { iccid: { type: 'integer' }, n: { type: 'integer' } } as const
  const { other: _, x: __, ...declared } = params
  const typed = await run(declared, { written, command: { parameters } })
  assert.deepEqual(typed.argv?.slice(1), ['--iccid=89014103211118510720', '--n=1000'])
})

test('fixed arguments stand before the parameters, and nothing is split', async () => {
  assert.deepEqual((await run({ x: '$(id)' }, { program: ['sh', 'a b.sh'] })).argv, ['sh', 'a b.sh', '--x=$(id)'])
})

test('a parameter name cannot smuggle in an option [D3]', async () => {
  for (const name of ['-rf', '', 'a=b', 'a b', '=x', 'ä', 'x'.repeat(65), '__proto__']) {
    const { argv, outcome } = await run(JSON.parse(JSON.stringify({ [name]: 'x' })))
    assert.equal(argv, undefined, name)
    assert.equal(outcome.status, 2)
    assert.match(outcome.message ?? '', /^ERROR: the parameter name/)
  }
})

test('declared parameters are the only ones that pass', async () => {
  const command = { parameters: { level: { type: 'integer' } } } as const
  assert.deepEqual((await run({ level: 3 }, { command })).argv, ['/opt/tool', '--level=3'])
  const { argv, outcome } = await run({ level: 3, output: '/etc/passwd' }, { command })
  assert.equal(argv, undefined)
  assert.deepEqual(outcome, { status: 2, message: 'ERROR: the parameter "output" is not known.' })
  assert.equal((await run({ constructor: 'x' }, { command })).argv, undefined)
})

test('values that cannot be an argument are refused, naming the parameter', async () => {
  const message = async (params: JsonObject) => (await run(params)).outcome.message
  assert.equal(await message({ a: [1] }), 'ERROR: the parameter "a" must be text, a number, or true or false.')
  assert.equal(await message({ a: 'x\0y' }), 'ERROR: the parameter "a" holds a zero byte.')
  assert.equal(await message({ a: 'x'.repeat(40_000) }), 'ERROR: the parameter "a" is longer than 32768 bytes.')
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`p${index}`, 1]))
  assert.equal(await message(many), 'ERROR: there are more than 200 parameters.')
})

test('exit code 0 is success; every other end is status 4 with the facts in the params [D2]', async () => {
  assert.deepEqual((await run({}, { result: ended({ stdout: 'done\n' }) })).outcome, {
    status: 0,
    params: { exitCode: 0, stdout: 'done\n', stderr: '' },
  })
  for (const exitCode of [1, 2, 19, 200]) {
    assert.deepEqual((await run({}, { result: ended({ exitCode, stderr: 'no' }) })).outcome, {
      status: 4,
      message: `ERROR: the program of "tool" ended with exit code ${exitCode}.`,
      params: { exitCode, stdout: '', stderr: 'no' },
    })
  }
  const killed = ended({ exitCode: undefined, signal: 'SIGKILL', truncated: true })
  assert.deepEqual((await run({}, { result: killed })).outcome, {
    status: 4,
    message: 'ERROR: the program of "tool" was ended by SIGKILL.',
    params: { signal: 'SIGKILL', stdout: '', stderr: '', truncated: true },
  })
})

test('output that is all control characters still fits into the answer [D4]', async () => {
  const bytes = 20 * 1024
  const result = ended({ exitCode: 3, stdout: '\u0001'.repeat(bytes), stderr: '\ufffd'.repeat(bytes) })
  const { outcome, options } = await run({}, { result, command: { maxOutputBytes: bytes } })
  assert.equal(options?.maxOutputBytes, bytes)
  assert.equal(outcome.status, 4)
})

test('a program that cannot be started is status 4; a command line in one text gets a hint', async () => {
  const result = new Error('no such file')
  assert.equal((await run({}, { result })).outcome.message, 'ERROR: /opt/tool could not be run: no such file')
  assert.match((await run({}, { result, program: 'sh -c x' })).outcome.message ?? '', /is given as a list/)
})

test('wrong registrations are refused', () => {
  const runProgram = async () => ended()
  for (const program of ['', [], [''], ['a\0'], [7]])
    assert.throws(() => commandHandler(program as string[], runProgram), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => commandHandler('a', runProgram, { maxOutputBytes: 1e6 }), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => commandHandler('a', runProgram, { maxOutputBytes: Number.NaN }), { code: 'INVALID_ARGUMENT' })
})
