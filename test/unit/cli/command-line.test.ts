// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { version } from '../../../src/base/version.ts'
import { runCli } from '../../../src/cli/cli.ts'
import { versionText } from '../../../src/cli/commands/version.ts'
import { commandEntries } from '../../../src/cli/commands.ts'
import { numberArg } from '../../../src/cli/shell/args.ts'
import type { Command, CommandEntry, Invocation } from '../../../src/cli/shell/command.ts'
import { parseInvocation } from '../../../src/cli/shell/flags.ts'
import { trialVersions, versionsSaid } from '../../../src/manager/ota/state/trial-protocol.ts'

import { memoryTerminal } from '../../helpers/memory-terminal.ts'

const command: Command = {
  name: 'publish telemetry',
  summary: 'Hand over a number.',
  flags: [
    { name: 'config-dir', short: 'c', value: 'DIR', summary: 'Folder.', aliases: ['default-cfg-dir'] },
    { name: 'log-to-file', short: 'l', summary: 'Log to a file.' },
    { name: 'log-to-syslog', short: 's', summary: 'Log to syslog.' },
  ],
  operands: [{ name: 'NAME' }, { name: 'VALUE' }],
  run: async () => 0,
}

function usageOf(words: string[], of: Command = command): string {
  try {
    parseInvocation(of, words)
  } catch (error) {
    assert.ok(error instanceof AgentError && error.code === 'USAGE')
    return error.message
  }
  return assert.fail('the words were taken')
}

test('accepts flags in every usual spelling, and in that of the Python agent', () => {
  const spellings = [['-c', 'x'], ['-cx'], ['-c=x'], ['--config-dir', 'x'], ['--config-dir=x'], ['--config_dir', 'x']]
  for (const words of [...spellings, ['--default_cfg_dir', 'x'], ['--default_cfg_dir=x']])
    assert.equal(parseInvocation(command, [...words, 'a', '1']).value('config-dir'), 'x', words.join(' '))
  const both = parseInvocation(command, ['-ls', 'a', '1'])
  assert.ok(both.has('log-to-file') && both.has('log-to-syslog'))
  assert.ok(parseInvocation(command, ['a', '1', '--log_to_file']).has('log-to-file'))
})

test('takes negative numbers as operands, and everything after --', () => {
  assert.deepEqual(parseInvocation(command, ['a', '-5']).operands, ['a', '-5'])
  assert.deepEqual(parseInvocation(command, ['a', '-.5e-3']).operands, ['a', '-.5e-3'])
  assert.deepEqual(parseInvocation(command, ['--', '-c', '--x']).operands, ['-c', '--x'])
})

test('names what is wrong with a command line', () => {
  assert.match(usageOf(['a', '1', '--config-dri', 'x']), /--config-dri; did you mean --config-dir\?$/)
  assert.match(usageOf(['a', '1', '-x']), /no flag -x/)
  assert.match(usageOf(['a', '1', '-c']), /--config-dir needs a value \(DIR\)/)
  assert.match(usageOf(['a', '1', '--log-to-file=yes']), /takes no value/)
  assert.match(usageOf(['a', '1', '-c', 'x', '-c', 'y']), /given twice/)
  assert.match(usageOf(['a']), /VALUE is missing/)
  assert.match(usageOf(['a', '1', 'b']), /"b" is one argument too many/)
})

test('a negative --delay-start is refused', async () => {
  const terminal = memoryTerminal()
  assert.equal(await runCli(['manager', '--delay_start', '-3'], terminal), 2)
  assert.match(terminal.errText(), /--delay-start must be 0 seconds or more, not -3/)
})

test('digits that a number cannot hold are not published, and the error names another command', async () => {
  const sampleWords = (digits: string): string[][] => [
    ['publish', 'telemetry', 'iccid', digits],
    ['publish', 'alarm', 'a', digits],
    ['publish', 'location', '1', digits],
    ['publish', 'location', '1', '2', '--altitude', digits],
  ]
  const tooMany = ['9007199254740993', '-89014103211118510720', '89014103211118510720.0', '1e400']
  for (const digits of tooMany)
    for (const words of sampleWords(digits)) {
      const terminal = memoryTerminal()
      assert.equal(await runCli(words, terminal), 2, words.join(' '))
      const why =
        digits === '1e400' ? 'no number of the cloud is that large' : 'a number of the cloud has about 16 digits'
      assert.match(terminal.errText(), new RegExp(` is ${digits}, and ${why}`))
      assert.match(terminal.errText(), /publish attribute/)
      assert.equal(/round it/.test(terminal.errText()), digits !== '1e400')
    }
  assert.equal(numberArg('x', 'VALUE', '10000000000000000000'), 1e19)
  assert.equal(numberArg('x', 'VALUE', ' +8.9014103211118510720e19 '), Number('89014103211118510720'))
})

test('a download refuses a path that is not UTF-8, and makes no folder', async () => {
  for (const destination of ['caf\ufffd/', 'caf\ufffd/a.txt']) {
    const terminal = memoryTerminal()
    assert.equal(await runCli(['download', 'a.txt', destination], terminal), 2)
    assert.match(terminal.errText(), /DEST is \S+caf\ufffd\S*, which is not UTF-8/)
  }
})

test('passes everything after the application to the application', () => {
  const run: Command = {
    ...command,
    name: 'run',
    operands: [{ name: 'APP' }, { name: 'ARGS', optional: true, rest: true }],
  }
  const { operands } = parseInvocation(run, ['-c', 'x', 'app.js', '--its-own', '-c', '--', 'y'])
  assert.deepEqual(operands, ['app.js', '--its-own', '-c', '--', 'y'])
})

function entry(
  name: string,
  run: (invocation: Invocation) => Promise<number | undefined> = async () => 0,
): CommandEntry {
  const made: Command = { name, summary: `Does ${name}.`, flags: [], run }
  return { name, summary: made.summary, load: async () => ({ command: made }) }
}
const entries = [entry('status'), entry('config show', async () => 7), entry('config check')]

test('shows help on stdout when asked, and on stderr with exit code 2 without arguments', async () => {
  const asked = memoryTerminal()
  assert.equal(await runCli(['--help'], asked, { entries }), 0)
  assert.match(asked.outText(), /config show {2}/)
  const silent = memoryTerminal()
  assert.equal(await runCli([], silent, { entries }), 2)
  assert.match(silent.errText(), /Usage: device-cloud COMMAND/)
  for (const words of [
    ['status', '--help'],
    ['status', '-h'],
    ['help', 'status'],
  ]) {
    const one = memoryTerminal()
    assert.equal(await runCli(words, one, { entries }), 0)
    assert.match(one.outText(), /Usage: device-cloud status \[FLAGS\]/)
  }
  const family = memoryTerminal()
  assert.equal(await runCli(['config', '--help'], family, { entries }), 0)
  assert.match(family.outText(), /config check/)
})

test('finds commands of two words, and suggests for those that do not exist', async () => {
  const terminal = memoryTerminal()
  assert.equal(await runCli(['config', 'show'], terminal, { entries }), 7)
  assert.equal(await runCli(['config', 'shwo'], terminal, { entries }), 2)
  assert.match(terminal.errText(), /no command "config shwo"\. Did you mean "config show"\?/)
  assert.equal(await runCli(['statsu'], terminal, { entries }), 2)
  assert.match(terminal.errText(), /Did you mean "status"\?/)
  assert.equal(await runCli(['config'], terminal, { entries }), 2)
  assert.match(terminal.errText(), /"config" needs one more word: config show, config check/)
})

test('prints the version and nothing else', async () => {
  const terminal = memoryTerminal()
  assert.equal(await runCli(['--version'], terminal, { entries }), 0)
  assert.match(terminal.outText(), /^\d+\.\d+\.\d+\n$/)
})

test('reports the trial protocols that it speaks to an older agent', async () => {
  const terminal = memoryTerminal()
  assert.equal(await runCli(['--version', '--json'], terminal, { entries }), 0)
  assert.deepEqual(versionsSaid(terminal.outText()), trialVersions)
  assert.match(JSON.parse(terminal.outText()).version, /^\d+\.\d+\.\d+$/)
})

test('"version" prints the same in words, and four facts for programs', async () => {
  const [words, json] = [memoryTerminal(), memoryTerminal()]
  assert.equal(await runCli(['version'], words), 0)
  assert.equal(
    words.outText(),
    `device-cloud  ${version}\ncommit        unknown\ntarget        source\nNode          ${process.versions.node}\n`,
  )
  assert.equal(await runCli(['version', '--json'], json), 0)
  const facts = { version, commit: null, target: 'source', node: process.versions.node }
  assert.equal(json.outText(), `${JSON.stringify(facts)}\n`)
  const built = versionText({ ...facts, commit: 'c0ffee-dirty', target: 'linux-armv7' })
  assert.match(built, /^commit {8}c0ffee-dirty\ntarget {8}linux-armv7$/m)
})

test('turns a failure into one line on stderr and the exit code of its kind', async () => {
  const terminal = memoryTerminal()
  const failing = [
    entry('status', async () => {
      throw new AgentError('MANAGER_NOT_RUNNING', 'Nobody listens\non /run/x')
    }),
  ]
  assert.equal(await runCli(['status'], terminal, { entries: failing }), 4)
  assert.equal(terminal.errText().split('\n').length, 2)
  assert.match(terminal.errText(), /^device-cloud: Nobody listens on \/run\/x\. Start "device-cloud manager"/)
})

test('every row of the table loads a command with its name and summary, and each flag stands once', async () => {
  for (const { name, summary, load } of commandEntries) {
    const { command: loaded } = await load()
    assert.equal(loaded.name, name)
    assert.equal(
      loaded.summary,
      summary,
      `${name}: src/cli/commands.ts has another summary than the file of the command`,
    )
    const names = loaded.flags.flatMap(flag => [
      `--${flag.name}`,
      ...(flag.short === undefined ? [] : [`-${flag.short}`]),
    ])
    assert.equal(new Set(names).size, names.length, `${name}: a flag stands twice`)
    for (const flag of loaded.flags) assert.match(flag.summary, /[.)]$/, `${name} --${flag.name}`)
  }
})

test('every file of commands/ is a row of the table, and has the name of its command', async () => {
  const folder = join(import.meta.dirname, '../../../src/cli/commands')
  const files = readdirSync(folder).sort()
  const listed = commandEntries.map(({ name }) => `${name.replaceAll(' ', '-')}.ts`)
  const lone = [...files.filter(name => !listed.includes(name)), ...listed.filter(name => !files.includes(name))]
  assert.deepEqual(
    files,
    listed.toSorted(),
    `${lone.join(', ')}: a file without a row in src/cli/commands.ts, or a row without a file`,
  )
  for (const { name, load } of commandEntries) {
    const file: { readonly command?: Command } = await import(join(folder, `${name.replaceAll(' ', '-')}.ts`))
    assert.equal(file.command, (await load()).command, name)
  }
})
