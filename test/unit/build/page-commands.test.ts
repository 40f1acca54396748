// SPDX-License-Identifier: Apache-2.0
/** Every command line in README and the pages is one that the program takes: a flag that is renamed shows here. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../build/places.ts'
import { commandEntries } from '../../../src/cli/commands.ts'
import { parseInvocation } from '../../../src/cli/shell/flags.ts'
import { readOptions } from '../../../src/cloud/options.ts'
import { blocksOf } from '../../helpers/page-blocks.ts'

const pages = ['README.md', 'src/cloud/README.md', ...markdownIn('share')].filter(page => !page.includes('/project/'))

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(folder, name))
}

/** The commands of a script, each as its words; what a document for a heredoc holds is no command. */
function commandLines(script: string): string[][] {
  const text = script.replace(/<<'?END'?\n[\s\S]*?\nEND\n/g, '\n').replace(/(^|\s)#.*$/gm, '')
  const substituted = [...text.matchAll(/\$\(([^()]*)\)/g)].map(([, inner = '']) => inner)
  return [text.replace(/\$\([^()]*\)/g, 'OUTPUT').replaceAll('\\\n', ' '), ...substituted]
    .join('\n')
    .split(/\n|&&|;|(?<!\|)\|(?!\|)/)
    .map(line => (line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map(word => word.replace(/^(['"])(.*)\1$/, '$2')))
    .filter(words => words.length > 0)
}

/** The words behind the name of the program; undefined when it is another program. */
function ownWords(words: readonly string[]): readonly string[] | undefined {
  if (/^npx tsx (?:\.\.\/)*src\/main\.ts$/.test(words.slice(0, 3).join(' '))) return words.slice(3)
  return /^(?!\/etc\/).*device-cloud(?:-linux-\w+)?$/.test(words[0] ?? '') ? words.slice(1) : undefined
}

async function checkOwn(words: readonly string[], where: string): Promise<void> {
  const entry = [2, 1]
    .map(count => commandEntries.find(({ name }) => name === words.slice(0, count).join(' ')))
    .find(found => found !== undefined)
  assert.ok(entry, `${where}: there is no such command`)
  const { command } = await entry.load()
  assert.doesNotThrow(() => parseInvocation(command, words.slice(entry.name.split(' ').length)), where)
}

const scripts: Readonly<Record<string, string>> = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts

function checkNpm(words: readonly string[], where: string): void {
  const [, verb = '', name = ''] = words
  if (['ci', 'start', 'test'].includes(verb)) return
  assert.ok(verb === 'run' && scripts[name] !== undefined, `${where}: there is no such script`)
  if (name === 'cloud') assert.doesNotThrow(() => readOptions(words.slice(3), {}), where)
}

for (const page of pages) {
  test(`the commands of ${page} exist, with their flags and operands`, async () => {
    for (const { language, content } of blocksOf(readFileSync(join(root, page), 'utf8'))) {
      if (language !== 'sh') continue
      for (const words of commandLines(content)) {
        const where = `${page}: ${words.join(' ')}`
        const own = ownWords(words)
        if (own !== undefined) await checkOwn(own, where)
        else if (words[0] === 'npm') checkNpm(words, where)
      }
    }
  })
}

test('a flag that does not exist, and a command that does not, are found', async () => {
  const found = (script: string) => commandLines(script).map(words => ownWords(words) ?? words)
  assert.deepEqual(
    found('cd x && device-cloud check  # a word\nnpx tsx ../src/main.ts status -c "a b" $(device-cloud diag)'),
    [['cd', 'x'], ['check'], ['status', '-c', 'a b', 'OUTPUT'], ['diag']],
  )
  await assert.rejects(checkOwn(['check', '--nonsense'], 'here'), /here/)
  await assert.rejects(checkOwn(['nonsense'], 'here'), /here/)
  assert.throws(() => checkNpm(['npm', 'run', 'nonsense'], 'here'), /here/)
})
