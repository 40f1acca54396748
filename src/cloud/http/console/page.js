// SPDX-License-Identifier: Apache-2.0
// The console of the local cloud. Values from devices are put into the page as text, never as markup.
const refreshMs = 2000
let sessionId
let selected
let timer

const find = id => document.getElementById(id)

async function command(name, params) {
  // Without it the browser sends text/plain, which the cloud refuses because any page could send that.
  const headers = { 'Content-Type': 'application/json', ...(sessionId === undefined ? {} : { sessionId }) }
  const body = JSON.stringify({ cmd: { command: name, params } })
  const response = await fetch('/api', { method: 'POST', headers, body })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)
  const { cmd } = await response.json()
  if (cmd?.success === true) return cmd.params ?? {}
  throw new Error((cmd?.errorMessages ?? ['The cloud sent no answer.']).join('; '))
}

function element(tag, text, children = []) {
  const made = document.createElement(tag)
  if (text !== undefined) made.textContent = text
  made.append(...children)
  return made
}

function table(caption, heads, rows) {
  const head = element(
    'tr',
    undefined,
    heads.map(name => element('th', name)),
  )
  const body = rows.map(cells =>
    element(
      'tr',
      undefined,
      cells.map(cell => element('td', asText(cell))),
    ),
  )
  if (rows.length === 0) body.push(element('tr', undefined, [element('td', 'none')]))
  return element('table', undefined, [
    element('caption', caption),
    element('thead', undefined, [head]),
    element('tbody', undefined, body),
  ])
}

function asText(value) {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

find('login').addEventListener('submit', async event => {
  event.preventDefault()
  const form = new FormData(event.target)
  const output = event.target.querySelector('output')
  try {
    const params = { username: form.get('username'), password: form.get('password') }
    const answer = await command('api.authenticate', params)
    sessionId = answer.sessionId
    event.target.reset()
    event.target.hidden = true
    find('console').hidden = false
    await refresh()
  } catch (error) {
    output.textContent = error.message
  }
})

find('action').addEventListener('submit', async event => {
  event.preventDefault()
  const form = new FormData(event.target)
  const result = find('action-result')
  const thingKey = selected
  try {
    const text = String(form.get('params')).trim()
    const params = text === '' ? undefined : JSON.parse(text)
    result.textContent = 'Waiting for the device …'
    const ackTimeout = Number(form.get('ackTimeout'))
    const answer = await command('method.exec', { thingKey, method: form.get('method'), params, ackTimeout })
    result.textContent = `Success\n${JSON.stringify(answer, null, 2)}`
  } catch (error) {
    result.textContent = `Failed: ${error.message}`
  }
})

async function refresh() {
  clearTimeout(timer)
  try {
    const { result } = await command('thing.list', { show: ['key', 'name', 'connected'] })
    showThings(result)
    if (selected !== undefined) await showThing(selected)
  } catch (error) {
    find('thing-facts').textContent = error.message
  }
  timer = setTimeout(refresh, refreshMs)
}

function showThings(things) {
  const rows = things.map(thing => {
    const button = element('button', `${thing.connected ? '●' : '○'} ${thing.name} (${thing.key})`)
    button.type = 'button'
    button.setAttribute('aria-current', String(thing.key === selected))
    button.addEventListener('click', () => {
      selected = thing.key
      find('action-result').textContent = ''
      void refresh()
    })
    return element('li', undefined, [button])
  })
  if (rows.length === 0) rows.push(element('li', 'No device has connected yet.'))
  find('things').replaceChildren(...rows)
}

async function showThing(thingKey) {
  const [thing, files, log, mail] = await Promise.all([
    command('thing.find', { key: thingKey }),
    command('file.list', { thingKey }),
    command('log.list', { thingKey, newestFirst: true, limit: 100 }),
    command('mailbox.list', { thingKey }),
  ])
  find('thing').hidden = false
  find('thing-title').textContent = thing.name
  const state = thing.connected ? 'connected' : 'not connected'
  find('thing-facts').textContent = `${thing.key}: ${state}, last seen ${asText(thing.lastSeen)}`
  const location = thing.loc === undefined ? [] : [Object.entries(thing.loc).map(([, value]) => value)]
  find('thing-tables').replaceChildren(
    table('Telemetry', ['Name', 'Value', 'Time'], rowsOf(thing.properties, 'value')),
    table('Attributes', ['Name', 'Value', 'Time'], rowsOf(thing.attrs, 'value')),
    table('Alarms', ['Name', 'State', 'Message', 'Time'], alarmRows(thing.alarms)),
    table('Location', Object.keys(thing.loc ?? {}), location),
    table(
      'Files',
      ['Name', 'Bytes', 'Uploaded'],
      files.result.map(file => [file.fileName, file.length, file.uploadDate]),
    ),
    table(
      'Events',
      ['Time', 'Level', 'Text'],
      log.result.map(entry => [entry.ts, entry.level, entry.msg]),
    ),
    table(
      'Mail',
      ['Created', 'Command', 'Status', 'Parameters', 'Result'],
      mail.result.reverse().slice(0, 50).map(mailRow),
    ),
  )
}

function rowsOf(values, field) {
  return Object.entries(values ?? {}).map(([name, value]) => [name, value[field], value.ts])
}

function alarmRows(alarms) {
  return Object.entries(alarms ?? {}).map(([name, alarm]) => [name, alarm.state, alarm.msg, alarm.ts])
}

function mailRow(mail) {
  return [mail.created, mail.params?.method ?? mail.command, mail.status, mail.params?.params, mail.result]
}
