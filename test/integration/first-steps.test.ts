// SPDX-License-Identifier: Apache-2.0
/** README's first application and the tutorials, typed as they stand there: what a newcomer pastes works. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Newcomer, startNewcomer, stepsOf, type Terminal } from '../helpers/newcomer.ts'
import { blocksOf, sectionOf } from '../helpers/page-blocks.ts'
import { documentText } from '../helpers/proof-tables.ts'

/**
 * Types a tutorial from top to bottom; returns its terminals.
 *
 * @param places the terminal of each block in order: `2`, or `2+` for a block that goes on running; `cloud` starts the cloud, and
 *   `cloud seen in 2` starts it again, with the lines that the page shows behind it in terminal 2
 */
async function walk(newcomer: Newcomer, page: string, places: readonly string[]): Promise<(name: string) => Terminal> {
  const steps = stepsOf(blocksOf(documentText(page)))
  assert.equal(steps.length, places.length, `${page}: a block has no terminal in this test`)
  const terminals = new Map<string, Terminal>()
  const terminal = (name: string) => {
    const known = terminals.get(name) ?? newcomer.terminal()
    terminals.set(name, known)
    return known
  }
  for (const [index, { content, shown }] of steps.entries()) {
    const place = places[index] ?? ''
    const lines = shown.map(newcomer.here)
    if (place.startsWith('cloud')) {
      assert.equal(content, 'npm run cloud\n')
      const [, watching] = place.split(' seen in ')
      if (watching !== undefined) await terminal(watching).sees(lines, () => newcomer.cloud.restart())
    } else if (place.endsWith('+')) await terminal(place.slice(0, -1)).pasteUntil(newcomer.here(content), lines)
    else await terminal(place).pasteAll(newcomer.here(content), lines)
  }
  return terminal
}

test("README's first application connects, delivers and is called", async t => {
  const { cloud, here, terminal } = await startNewcomer(t)
  const steps = stepsOf(blocksOf(sectionOf(documentText('README.md'), '## Your first application')))
  assert.equal(steps.length, 2)
  assert.equal(steps[0]?.content, 'npm run cloud\n')
  const printed = await terminal().pasteUntil(here(steps[1]?.content ?? ''), ['connected as …-hello', 'delivered'])
  const thingKey = /connected as (\S+)/.exec(printed)?.[1] ?? ''
  assert.equal((await cloud.ask('property.current', { thingKey, key: 'temperature' })).value, 21.5)
  assert.deepEqual(await cloud.exec(thingKey, 'blink', { times: 3 }), { success: true, params: { times: 3 } })
})

test('the tutorial of the first device works as it is pasted, and so does what builds on it', async t => {
  const newcomer = await startNewcomer(t)
  const terminal = await walk(newcomer, 'share/tutorial/first-device.md', ['cloud', '2', '2', '2+', '3', '3'])
  const faults = stepsOf(blocksOf(documentText('share/how-to/faults-of-the-cloud.md')))
  assert.equal(faults.length, 1)
  for (const { content, shown } of faults)
    await terminal('3').pasteAll(newcomer.here(content), shown.map(newcomer.here))
})

test('the tutorial of the first application works as it is pasted', async t => {
  const places = ['cloud', '2', '2', '2+', '3', 'cloud seen in 2']
  await walk(await startNewcomer(t), 'share/tutorial/first-application.md', places)
})

test('the tutorial of the first update works as it is pasted', async t => {
  await walk(await startNewcomer(t), 'share/tutorial/first-update.md', ['cloud', '2', '2+', '3', '3', '3', '3'])
})

test('without a connection file the error names a command that can be pasted', async t => {
  const { here, terminal } = await startNewcomer(t)
  const shell = terminal()
  const application = `import { Client } from 'device-cloud'\nawait new Client('hello').connect()\n`
  const printed = await shell.pasteUntil(
    `mkdir try; cd try; cat >hello.mjs <<'END'\n${application}END\nnpx tsx ../src/main.ts run hello.mjs\n`,
    ['the connection file does not exist', 'Run: …hello-connect.cfg'],
  )
  const command = /Run: (.*hello-connect\.cfg)/.exec(printed)?.[1] ?? ''
  assert.match(command, /^npx tsx \.\.\/src\/main\.ts config generate -f /)
  const flags = here('-c localhost -p 8883 -t demo -s ../.device-cloud-local/ca.pem')
  await shell.pasteAll(`${command} ${flags}\n`, ['Written: …hello-connect.cfg'])
})
