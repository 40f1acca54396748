/** Runs the tests: `tsx build/test.ts [LEVEL | FILE ...] [--node PATH] [--no-skips]`. Levels are the folders of test/; default: all three. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const root = resolve(import.meta.dirname, '..')
const levels = ['unit', 'integration', 'system']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: 'string' }, 'no-skips': { type: 'boolean' } },
})

const files = (positionals.length > 0 ? positionals : levels).flatMap(name => {
  const path = levels.includes(name) ? join(root, 'test', name) : resolve(name)
  if (!existsSync(path)) throw new Error(`${name}: neither a level (${levels.join(', ')}) nor a file`)
  return statSync(path).isDirectory() ? listTests(path) : [path]
})

function listTests(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return listTests(path)
      return entry.name.endsWith('.test.ts') ? [path] : []
    })
    .sort()
}

const node = values.node ?? process.execPath
const reporter = ['--test-reporter=spec', '--test-reporter-destination=stdout']
const ran = spawnSync(node, ['--import', 'tsx', '--test', '--test-concurrency=2', ...reporter, ...files], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 1 << 28,
})
process.stdout.write(ran.stdout)
if (ran.error) throw ran.error
const skipped = Number(/ℹ skipped (\d+)/.exec(ran.stdout)?.[1] ?? 0)
if (values['no-skips'] && skipped > 0) {
  console.error(`${skipped} tests were skipped, and none may be here.`)
  process.exit(1)
}
process.exit(ran.status ?? 1)
