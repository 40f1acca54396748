// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { processSecrets } from '../../../src/base/secrets.ts'
import { reportError, traceErrors } from '../../../src/cli/shell/report-error.ts'
import { memoryTerminal } from '../../helpers/memory-terminal.ts'

function report(error: unknown): { code: number; text: string } {
  const terminal = memoryTerminal()
  return { code: reportError(error, terminal), text: terminal.errText() }
}

test('names every mistake of a configuration on a line of its own, with file, line and remedy', () => {
  const problems = [
    {
      file: '/c/iot-connect.cfg',
      line: 3,
      key: 'cloud.prot',
      problem: 'is not a setting',
      didYouMean: 'cloud.port',
      remedy: 'Correct it.',
    },
    { file: '/c/iot-connect.cfg', key: 'cloud.token', problem: 'is missing', expected: 'a text', remedy: 'Write it.' },
  ]
  const { code, text } = report(new AgentError('CONFIG_INVALID', 'Two mistakes.', { details: { problems } }))
  assert.equal(code, 3)
  assert.deepEqual(text.split('\n'), [
    'device-cloud: /c/iot-connect.cfg:3: cloud.prot is not a setting. Did you mean "cloud.port"? Correct it.',
    'device-cloud: /c/iot-connect.cfg: cloud.token is missing. Write it.',
    '',
  ])
})

test('reports an unforeseen error as a bug, with exit code 70 and the place, without secrets and control characters', () => {
  processSecrets.add('s3cr3t-token')
  const { code, text } = report(new TypeError('cannot read\u001b[31m s3cr3t-token\nof undefined'))
  assert.equal(code, 70)
  assert.equal(text.split('\n').length, 2)
  assert.match(
    text,
    /A bug in device-cloud\. cannot read\?\[31m \[hidden\] of undefined\. \(at .*report-error\.test\.ts/,
  )
  assert.doesNotMatch(text, /s3cr3t/)
})

test('a message is not followed by a remedy that only points at it', () => {
  const { code, text } = report(new AgentError('INVALID_ARGUMENT', 'latitude must be from -90 to 90, not 100.'))
  assert.deepEqual([code, text], [2, 'device-cloud: latitude must be from -90 to 90, not 100.\n'])
})

test('a command at the end can be copied as it stands: no full stop, and nothing behind it', () => {
  const text = 'nothing is installed: /c/iot.cfg may be written to by everybody. Run: chmod go-w /c/iot.cfg'
  for (const code of ['POLICY_REFUSED', 'CONFIG_INVALID', 'FILE_ACCESS'] as const)
    assert.equal(report(new AgentError(code, text)).text, `device-cloud: ${text}\n`)
})

test('a wrong command line is sent to the help of its own command', () => {
  const error = new AgentError('USAGE', 'publish event: TEXT is missing.', { details: { command: 'publish event' } })
  assert.equal(
    report(error).text,
    'device-cloud: publish event: TEXT is missing. See "npx device-cloud publish event --help".\n',
  )
})

test('a terminal does not show a remedy that points at details for programs', () => {
  const error = new AgentError('EXECUTION_FAILED', 'install failed: exit code 3')
  assert.equal(report(error).text, 'device-cloud: install failed: exit code 3.\n')
})

test('--trace adds every frame and the causes, without secrets; without it a bug says that there is more', () => {
  processSecrets.add('s3cr3t-token')
  assert.match(report(new TypeError('x')).text, /Run it with --trace for details\.\n$/)
  traceErrors()
  const { text } = report(new AgentError('TIMEOUT', 'late', { cause: new Error('because of s3cr3t-token') }))
  assert.match(
    text,
    /^device-cloud: late\. Try again; [\s\S]*\n {4}at .*report-error\.test\.ts[\s\S]*\[cause\]: Error: because of \[hidden\]/,
  )
})
