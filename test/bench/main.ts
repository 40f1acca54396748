// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench [-- CASE ...]`: figures beside the floor of the same run. `--write` puts the table into the page of figures.
 * Nothing here fails a build: a machine that is busy makes honest figures bad, not wrong.
 */
import { cpus } from 'node:os'
import { makeTestPrograms, testPrograms } from '../../build/bundle/test-programs.ts'
import { figuresPage, writeBlock } from '../../build/documents/page-block.ts'
import { files } from './cases/files.ts'
import { herd } from './cases/herd.ts'
import { queue } from './cases/queue.ts'
import { relay } from './cases/relay.ts'
import { roundTrip } from './cases/round-trip.ts'
import { samples } from './cases/samples.ts'
import { start } from './cases/start.ts'
import { Scene } from './scene.ts'
import { formatTable, type Row } from './table.ts'

const cases: Readonly<Record<string, (scene: Scene) => Promise<Row[]>>> = {
  start,
  'round-trip': roundTrip,
  samples,
  queue,
  files,
  relay,
  herd,
}
const words = process.argv.slice(2)
const wanted = words.filter(word => !word.startsWith('--'))
const unknown = wanted.filter(name => cases[name] === undefined)
if (unknown.length > 0) {
  console.error(`There is no case ${unknown.join(', ')}; there are ${Object.keys(cases).join(', ')}.`)
  process.exit(2)
}

process.env[testPrograms.variable] = await makeTestPrograms()
const rows: Row[] = []
let version = ''
for (const [name, measure] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stderr.write(`measuring ${name} …\n`)
  const scene = new Scene()
  try {
    await scene.start()
    version = await scene.nodeVersion()
    rows.push(...(await measure(scene)))
  } finally {
    await scene.end()
  }
}
const date = new Date().toISOString().slice(0, 10)
const machine = `${date}, programs on Node ${version}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), Linux, loopback`
const text = `${formatTable(rows)}\n\nMeasured ${machine}; device, cloud and operator share the machine. \`npm run bench\` measures it on yours.`
console.log(text)
if (words.includes('--write')) writeBlock(figuresPage, 'figures', text)
