// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type Json, type JsonObject } from '../../base/json.ts'
import { bytesText } from '../shell/bytes-text.ts'

/** The status for a person, one line for each subject. */
export function statusLines(status: JsonObject): string[] {
  const link = objectIn(status, 'link')
  const queue = objectIn(status, 'queue')
  const since = typeof link.forS === 'number' ? ` for ${duration(link.forS)}` : ''
  const tries = link.state === 'up' ? '' : `, ${text(link.failedTries)} attempts failed`
  const next = typeof link.nextTryInS === 'number' ? `, next attempt in ${duration(link.nextTryInS)}` : ''
  return [
    `version    ${text(status.version)}, process ${text(status.pid)}, running for ${duration(status.uptimeS)}`,
    `thing key  ${text(status.thingKey)}`,
    `link       ${text(link.state)}${since}${tries}${next}; reconnected ${text(link.reconnects)} ${link.reconnects === 1 ? 'time' : 'times'}`,
    ...troubleLines(objectIn(status, 'lastError')),
    ...closedLines(status.closed),
    ...warningLines(status.warnings),
    `queue      ${text(queue.waiting)} waiting, ${bytes(queue.bytes)} of ${bytes(queue.maxBytes)}`,
    ...laneLines(objectIn(queue, 'lanes')),
    ...poisonLines(queue),
    ...actionLines(status.runningActions),
    ...relayLines(status.relays),
    ...updateLines(objectIn(status, 'softwareUpdate')),
    `transfers  ${text(status.backgroundTransfers)} in the background`,
    ...flashLines(objectIn(status, 'flashWrites')),
    `programs   ${text(status.localConnections)} connected to the local socket`,
    ...memoryLines(objectIn(status, 'memory')),
    `folders    ${text(status.configDir)}, ${text(status.runtimeDir)}`,
  ]
}

/** Rows under one label, which only the first of them shows. */
function labelled(label: string, rows: readonly string[]): string[] {
  return rows.map((row, index) => `${(index === 0 ? label : '').padEnd(11)}${row}`)
}

function objectsIn(list: Json | undefined): JsonObject[] {
  return Array.isArray(list) ? list.map(one => (isJsonObject(one) ? one : {})) : []
}

function troubleLines({ code, message, remedy, at }: JsonObject): string[] {
  if (code === undefined) return []
  return labelled('trouble', [`${text(at)} ${text(code)}: ${text(message)}`, text(remedy)])
}

function closedLines(closed: Json | undefined): string[] {
  const rows = objectsIn(closed).map(
    ({ capability, text: why }) => `${text(capability)}, because of a mistake: ${text(why)}`,
  )
  return labelled('closed', rows)
}

function warningLines(warnings: Json | undefined): string[] {
  if (!Array.isArray(warnings)) return []
  return labelled(
    'warnings',
    warnings.map(one => text(isJsonObject(one) ? one.text : one)),
  )
}

/** Only lanes that ever had an item. */
function laneLines(lanes: JsonObject): string[] {
  return Object.entries(lanes).flatMap(([name, lane]) => {
    if (!isJsonObject(lane)) return []
    const { waiting, delivered, refused, setAside = 0, dropped, resent } = lane
    if ([waiting, delivered, refused, setAside, dropped].every(count => count === 0)) return []
    const counts = [
      `${text(waiting)} waiting`,
      `${text(delivered)} delivered`,
      ...(refused === 0 ? [] : [`${text(refused)} refused`]),
      ...(setAside === 0 ? [] : [`${text(setAside)} set aside`]),
      ...(dropped === 0 ? [] : [`${text(dropped)} dropped`]),
      ...(resent === 0 ? [] : [`${text(resent)} sent again`]),
    ]
    return [`           ${name.padEnd(10)} ${counts.join(', ')}`]
  })
}

/** Empty as long as no connection has ended with an item in flight. */
function poisonLines({ suspects, setAside }: JsonObject): string[] {
  const aside = isJsonObject(setAside) ? setAside : {}
  const { total, kept, keptBytes, lastEpochMs, lastLane, lastBytes } = aside
  const at = typeof lastEpochMs === 'number' ? new Date(lastEpochMs).toISOString() : '-'
  return [
    ...(suspects === undefined
      ? []
      : [`candidates ${text(suspects)} waiting, each in flight when a connection ended: they may be poison items`]),
    ...(total === undefined
      ? []
      : [
          `set aside  ${text(total)} in total, each ended the connection whenever it was sent; ${text(kept)} kept (${bytes(keptBytes)}); last at ${at}: ${text(lastLane)}, ${bytes(lastBytes)}`,
        ]),
  ]
}

function actionLines(actions: Json | undefined): string[] {
  if (!Array.isArray(actions) || actions.length === 0) return ['actions    none running']
  return labelled(
    'actions',
    objectsIn(actions).map(({ id, name }) => `${text(name)} (${text(id)})`),
  )
}

function updateLines({ package: name, step }: JsonObject): string[] {
  return name === undefined ? [] : [`update     ${text(name)}, in ${text(step)}`]
}

/** The bytes and syncs of flash writes since the start, by cause. */
function flashLines(causes: JsonObject): string[] {
  const lines = Object.entries(causes).map(([cause, count]) => {
    const { bytes: written, syncs } = isJsonObject(count) ? count : {}
    return `${cause}: ${bytes(written)} in ${text(syncs)} syncs`
  })
  return [`flash      ${lines.length === 0 ? 'nothing written since the start' : lines.join('; ')}`]
}

function memoryLines({ residentBytes, heapUsedBytes, privateBytes, softLimitBytes, ...more }: JsonObject): string[] {
  const { pressure, aboveS, restartedFor } = more
  const resident = residentBytes === undefined ? 'unknown without /proc' : `${bytes(residentBytes)} resident`
  const privately = typeof privateBytes === 'number' ? `, ${bytes(privateBytes)} private` : ''
  const limit = typeof softLimitBytes === 'number' && softLimitBytes > 0 ? `, soft limit ${bytes(softLimitBytes)}` : ''
  const above = aboveS === undefined ? '' : ` (above for ${duration(aboveS)}: ${text(pressure)})`
  const { at, usedBytes } = isJsonObject(restartedFor) ? restartedFor : {}
  return [
    `memory     ${resident}${privately}, ${bytes(heapUsedBytes)} in the JavaScript heap${limit}${above}`,
    ...(at === undefined ? [] : [`           restarted at ${text(at)} because of ${bytes(usedBytes)}`]),
  ]
}

/** Empty without a session of remote access. */
function relayLines(relays: Json | undefined): string[] {
  const rows = objectsIn(relays).map(one => {
    const moved = `${bytes(one.bytesFromCloud)} from the cloud, ${bytes(one.bytesToCloud)} to it`
    const facts = `${text(one.target)} through ${text(one.relay)} for ${duration(one.forS)}`
    const channels = `${text(one.openChannels)} open connections`
    return `${text(one.id)}: ${facts}, ${channels}, ${moved}`
  })
  return labelled('remote', rows)
}

function objectIn(from: JsonObject, name: string): JsonObject {
  const value = from[name]
  return isJsonObject(value) ? value : {}
}

function text(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-'
}

function bytes(value: Json | undefined): string {
  return typeof value === 'number' ? bytesText(value) : '-'
}

/** `2 d 3 h`, `3 h 4 min`, `4 min 5 s`. */
function duration(value: Json | undefined): string {
  if (typeof value !== 'number') return '-'
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const
  const first = units.findIndex(([size]) => value >= size)
  if (first < 0) return '0 s'
  let left = value
  return units
    .slice(first, first + 2)
    .map(([size, unit]) => {
      const count = Math.floor(left / size)
      left -= count * size
      return `${count} ${unit}`
    })
    .join(' ')
}
