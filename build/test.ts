// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the tests: `tsx build/test.ts [LEVEL | FILE | FOLDER ...] [--node PATH] [--jobs N] [--no-skips]`. Levels are the folders
 * of test/; default: all three. N files run at once (default 4), because most of them wait most of the time.
 * Skipped tests are listed again at the end; with --no-skips they fail the run.
 * Failed tests are also added to the file in FAILING_TESTS_FILE.
 */
import { spawn, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { makeTestPrograms, testPrograms } from './bundle/test-programs.ts'

const root = resolve(import.meta.dirname, '..')
const levels = ['unit', 'integration', 'system']
/** A file that takes longer is stuck. The long form of the chaos tests takes hours on a small machine. */
const fileTimeoutMs = process.env.DEVICE_CLOUD_LONG === '1' ? 4 * 3_600_000 : 600_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string' }, jobs: { type: 'string', default: '4' }, 'no-skips': { type: 'boolean' } },
})

const files = (positionals.length > 0 ? positionals : levels).flatMap(name => {
  const path = levels.includes(name) ? join(root, 'test', name) : resolve(name)
  if (!existsSync(path)) {
    console.error(`${name} is neither a level (${levels.join(', ')}) nor a file.`)
    process.exit(2)
  }
  return statSync(path).isDirectory() ? listTests(path) : [path]
})
if (files.length === 0) {
  console.error('No tests found.')
  process.exit(1)
}

function listTests(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return listTests(path)
      return entry.name.endsWith('.test.ts') ? [path] : []
    })
    .sort()
}

const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout']
const limits = [`--test-concurrency=${values.jobs}`, `--test-timeout=${fileTimeoutMs}`]
const node = values.node ?? process.execPath
// From 22.18 on Node strips types by itself, which takes half the time.
const stripsTypes =
  spawnSync(node, ['-p', 'process.features.typescript'], { encoding: 'utf8' }).stdout.trim() === 'strip'
const loader = stripsTypes ? [] : ['--import', 'tsx']
const runner = spawn(node, [...loader, '--test', ...limits, ...reporter, ...files], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, [testPrograms.variable]: await makeTestPrograms() },
})
// The runner stops its tests first, and reports which.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal))
let rest = ''
let skipped = 0
const skippedTests: string[] = []
/** The runner's final report of the failed tests. */
const failures: string[] = []
runner.stdout.setEncoding('utf8').on('data', (text: string) => {
  process.stdout.write(text)
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  lines.forEach(read)
})

/** The spec reporter marks a skipped test with ﹣ and ends with its counts. */
function read(coloured: string): void {
  const line = stripVTControlCharacters(coloured)
  if (failures.length > 0 || line.startsWith('✖ failing tests')) failures.push(line)
  const test = /^\s*﹣ (.*)$/.exec(line)?.[1]
  if (test !== undefined) skippedTests.push(test)
  const count = /^ℹ skipped (\d+)/.exec(line)?.[1]
  if (count !== undefined) skipped = Number(count)
}

runner.on('error', error => {
  console.error(`${node} cannot be started: ${error.message}`)
  process.exit(1)
})
runner.on('close', code => {
  read(rest)
  const { FAILING_TESTS_FILE } = process.env
  if (FAILING_TESTS_FILE !== undefined && code !== 0) {
    const args = process.argv.slice(2).join(' ')
    appendFileSync(FAILING_TESTS_FILE, [`-- build/test.ts ${args}, exit code ${code}`, ...failures, ''].join('\n'))
  }
  if (skipped > 0) console.log(`\nSkipped here:\n${skippedTests.map(test => `  ${test}`).join('\n')}`)
  if (values['no-skips'] && skipped > 0) {
    console.error(`${skipped} tests were skipped, and --no-skips allows none.`)
    process.exitCode = 1
  } else process.exitCode = code ?? 1
})
