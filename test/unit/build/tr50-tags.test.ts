// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { allCommands } from '../../../src/cloud/commands/all.ts'
import { isFaultName } from '../../../src/cloud/faults/fault-table.ts'
import { codes } from '../../../src/cloud/values/failure.ts'
import {
  attributeCurrent,
  fileGet,
  filePut,
  type MailboxAck,
  mailboxAck,
  mailboxCheck,
  mailboxUpdate,
  propertyCurrent,
} from '../../../src/protocol/commands.ts'
import {
  type AlarmSample,
  type AttributeSample,
  alarmItem,
  attributeItem,
  type EventSample,
  eventItem,
  type LocationSample,
  locationItem,
  type TelemetrySample,
  type ThingChange,
  telemetryItem,
  thingItem,
} from '../../../src/protocol/samples.ts'
import { CloudError, Status } from '../../../src/protocol/status.ts'
import { codeWords, examples, firstColumn, namesIn, pagePath, sectionNamed, sections } from '../../helpers/tr50-page.ts'

const checkout = join(import.meta.dirname, '../../..')

/** Files below a folder, with their text. This file speaks of tags, and has none. */
function filesBelow(folder: string): readonly { readonly file: string; readonly text: string }[] {
  // Without the types of entries: those of Node 20.11 do not know their folder.
  return readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(?:ts|json|html|js)$/.test(name))
    .map(name => join(checkout, folder, name))
    .filter(path => path !== import.meta.filename)
    .map(path => ({ file: relative(checkout, path), text: readFileSync(path, 'utf8') }))
}

const source = filesBelow('src')
const everything = [...source, ...filesBelow('test'), ...filesBelow('build')]

/** Code without its comments. A quoted `//` takes the rest of its line along, which hides no name that matters here. */
function codeBelow(...folders: readonly string[]): string {
  return source
    .filter(({ file }) => folders.some(folder => file.startsWith(`src/${folder}/`)))
    .map(({ text }) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''))
    .join('\n')
}

/** Everything in brackets that begins with the name of a specification; a tag may be broken over two lines of a comment. */
const tags = everything.flatMap(({ file, text }) =>
  [...text.replace(/\n\s*(?:\*|\/\/)\s*/g, ' ').matchAll(/\[((TR50|RFC|MQTT|POSIX)\b[^\]\n]{0,80})(\]?)/g)].map(
    ([, tag = '', specification = '', end]) => ({ file, specification, tag: end === ']' ? tag : `${tag} (no end)` }),
  ),
)

const pageNames = new Set(sections.map(({ name }) => name.toLowerCase()))
const tagNames = new Set(
  tags.filter(({ specification }) => specification === 'TR50').map(({ tag }) => tag.slice(5).toLowerCase()),
)

/** Commands that the agent sends or handles: every such name that its code quotes. */
const agentCommands: ReadonlySet<string> = new Set([
  ...quotedNames(codeBelow('protocol')).filter(name => !name.startsWith('.')),
  ...quotedNames(codeBelow('outbox', 'services')).filter(name => Object.hasOwn(allCommands, name)),
])

function quotedNames(code: string): readonly string[] {
  return [...code.matchAll(/['"`]([a-z_]\w*(?:\.[a-z_]\w*)+)(?:['"`])/g)].map(([, name = '']) => name)
}

const isCommand = (name: string) => /^[a-z_]\w*(?:\.[a-z_]\w*)+$/.test(name)

test('every tag of the protocol leads to one heading of the page', () => {
  assert.ok(tags.length > 300, `only ${tags.length} tags were found`)
  const lost = tags
    .filter(({ specification, tag }) => specification === 'TR50' && !pageNames.has(tag.slice(5).toLowerCase()))
    .map(({ file, tag }) => `${file}: [${tag}]`)
  assert.deepEqual(lost, [], `tags without a heading in ${pagePath}`)
  assert.equal(pageNames.size, sections.length, 'two headings have one name')
})

test('the protocol is named by a tag wherever a place in it is meant', () => {
  const loose = everything.flatMap(({ file, text }) =>
    [...text.matchAll(/(?<!\[)\bTR50 (?:\d|appendix|rule).{0,20}/g)].map(([found]) => `${file}: ${found}`),
  )
  assert.deepEqual(loose, [])
})

/** A number and perhaps a section; a section or a normative statement of MQTT 3.1.1; a utility and its chapter. */
const forms: Readonly<Record<string, RegExp>> = {
  RFC: /^RFC [1-9]\d{2,4}(?: [1-9]\d*(?:\.\d+)*)?$/,
  MQTT: /^MQTT(?: [1-7](?:\.\d+)*|-[1-7](?:\.\d+)+-\d+)$/,
  POSIX: /^POSIX [a-z]+, [\w ]+$/,
}

test('every tag of another specification has the form of its kind', () => {
  const odd = tags.filter(({ specification, tag }) => forms[specification]?.test(tag) === false)
  assert.deepEqual(
    odd.map(({ file, tag }) => `${file}: [${tag}]`),
    [],
  )
})

test('every command that the agent sends or handles has a heading, and every such heading a command', () => {
  assert.ok(agentCommands.has('property.batch') && agentCommands.has('method.exec'), 'the commands were not found')
  const without = [...agentCommands].filter(name => !pageNames.has(name))
  assert.deepEqual(without, [], `commands without a heading in ${pagePath}`)
  const stale = sections
    .map(({ name }) => name)
    .filter(isCommand)
    .filter(name => !agentCommands.has(name) && !(Object.hasOwn(allCommands, name) || tagNames.has(name)))
  assert.deepEqual(stale, [], 'headings for what no code knows')
})

test('every command of the local cloud is on the page, and the page names no other', () => {
  const named = new Set([...codeWords, ...sections.map(({ name }) => name)].filter(isCommand))
  const missing = Object.keys(allCommands).filter(name => !named.has(name))
  assert.deepEqual(missing, [], `commands that ${pagePath} does not name`)
  // A setting may begin as the commands of the local cloud itself do.
  const services = new Set(Object.keys(allCommands).map(name => name.split('.')[0]))
  services.delete('cloud')
  const unknown = [...named].filter(
    name => services.has(name.split('.')[0]) && !Object.hasOwn(allCommands, name) && !agentCommands.has(name),
  )
  assert.deepEqual(unknown, [])
})

test('the local cloud answers every command that the agent sends', () => {
  const sent = quotedNames(codeBelow('protocol')).filter(name => pageNames.has(name))
  assert.ok(sent.includes('mailbox.ack') && sent.includes('property.batch'), 'the commands were not found')
  const unanswered = [...new Set(sent)].filter(name => !Object.hasOwn(allCommands, name))
  assert.deepEqual(unanswered, [], 'commands that src/cloud/commands/ does not answer')
})

const key = 'k'
const [ts, corrId, thingKey] = ['2024-03-05T10:11:12.000345Z', 'c', 'dev-1-app']
const property: Required<TelemetrySample> = { key, value: 1, ts, corrId, aggregate: true }
const alarm: Required<AlarmSample> = { key, state: 1, ts, msg: 'm', corrId, lat: 1, lng: 2, republish: true }
const attribute: Required<AttributeSample> = { key, value: 'v', ts, republish: true, corrId }
const event: Required<EventSample> = { msg: 'm', ts, level: 2, corrId, global: true }
const place = { streetNumber: '1', street: 's', city: 'c', state: 's', zipCode: 'z', country: 'c' }
const motion = { heading: 1, altitude: 1, speed: 1, fixAcc: 1, fixType: 'gps' }
const position: Required<LocationSample> = { lat: 1, lng: 2, ...motion, ts, corrId, debounce: true, ...place }
const numbers = { iccid: '1', esn: '1', imei: '1', meid: '1', imsi: '1' }
const labels = { tags: ['a'], secTags: ['b'] }
const change: Required<ThingChange> = {
  ...{ name: 'n', desc: 'd', ...numbers, ...labels, locEnabled: true, corrId, unset: ['desc'] },
}
const file: Required<Parameters<typeof filePut>[1]> = {
  ...{ fileName: 'f', public: true, crc32: 1, global: true, ...labels, logComplete: true },
}
const ack: Required<MailboxAck> = { id: 'id1', errorCode: 0, errorMessage: '', params: {} }

/** The parameters of a command when all are given, as the agent writes them. */
const written: Readonly<Record<string, object | null | undefined>> = {
  'property.publish': { thingKey, ...telemetryItem(property) },
  'alarm.publish': { thingKey, ...alarmItem(alarm) },
  'attribute.publish': { thingKey, ...attributeItem(attribute) },
  'location.publish': { thingKey, ...locationItem(position) },
  'log.publish': { thingKey, ...eventItem(event) },
  'thing.update': { key, ...thingItem(change) },
  'property.current': propertyCurrent(thingKey, key, ts).params,
  'attribute.current': attributeCurrent(thingKey, key, ts).params,
  'file.put': filePut(thingKey, file).params,
  'file.get': fileGet(thingKey, { fileName: 'f', global: true }).params,
  'mailbox.check': mailboxCheck(1).params,
  'mailbox.ack': mailboxAck(ack).params,
  'mailbox.update': mailboxUpdate({ id: 'id1', msg: 'm' }).params,
}

for (const [command, params] of Object.entries(written))
  test(`the page has the fields of ${command} that the agent sends, in the order of the wire`, () => {
    const sent = firstColumn(sectionNamed(command), 'field').filter(row => row[3] === 'yes')
    assert.deepEqual(
      sent.flatMap(([field]) => namesIn(field)),
      Object.keys(params ?? {}),
    )
  })

test('every field, answer and parameter of the page is one that the code knows', () => {
  const protocol = new Set(codeBelow('protocol', 'services', 'outbox', 'cloud').match(/\w+/g))
  const actions = new Set(codeBelow('manager').match(/[\w-]+/g))
  const known = (names: readonly string[], words: ReadonlySet<string>) => names.filter(name => !words.has(name))
  const unknown = sections.flatMap(section => {
    const fields = [
      ...firstColumn(section, 'field'),
      ...firstColumn(section, 'answer'),
      ...firstColumn(section, 'member'),
    ]
    const parameters = firstColumn(section, 'parameter')
    const rows = firstColumn(section, 'action')
    const ofActions = [...parameters.map(([cell]) => cell), ...rows.flatMap(row => row.slice(0, 3))]
    return [
      ...known(
        fields.flatMap(([cell]) => namesIn(cell)),
        section.name === '7.3' ? actions : protocol,
      ),
      ...known(ofActions.flatMap(namesIn), actions),
    ].map(name => `${section.name}: ${name}`)
  })
  assert.deepEqual(unknown, [])
})

test('the codes of the page are those of the agent and of the local cloud', () => {
  const codesSection = sectionNamed('2.4')
  const statuses = firstColumn(codesSection, 'status').map(([code, name]) => [namesIn(name)[0], Number(code)])
  assert.deepEqual(Object.fromEntries(statuses), Status)
  const local = firstColumn(codesSection, 'local code').map(([code, name]) => [namesIn(name)[0], Number(code)])
  const real = firstColumn(codesSection, 'code').map(([code]) => Number(code))
  assert.ok(real.includes(CloudError.NotFound))
  const own = Object.entries(codes).filter(([, code]) => !real.includes(code))
  assert.deepEqual(Object.fromEntries(local), Object.fromEntries(own))
})

test('every open question names faults that the local cloud has', () => {
  const faults = sections
    .filter(({ name }) => name.startsWith('11.'))
    .flatMap(({ text }) => /Faults?: (.*)/.exec(text)?.[1] ?? [])
    .flatMap(namesIn)
  assert.ok(faults.length > 5)
  assert.deepEqual(
    faults.filter(name => !isFaultName(name)),
    [],
  )
})

test('every example of the page is one of the golden exchanges', () => {
  const golden = readdirSync(join(checkout, 'test/fixtures/wire'))
    .map(name => readFileSync(join(checkout, 'test/fixtures/wire', name), 'utf8'))
    .flatMap(text => [...text.matchAll(/"payload": ("(?:[^"\\]|\\.)*")/g)].map(([, payload = '""']) => payload))
    // The requests of this agent are kept without a thing and a time.
    .map(payload => String(JSON.parse(payload)).replaceAll('"K"', `"${thingKey}"`).replaceAll('"T"', `"${ts}"`))
  assert.ok(examples.length > 15)
  assert.deepEqual(
    examples.filter(({ payload }) => !golden.includes(payload)),
    [],
  )
})
