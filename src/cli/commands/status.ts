import type { Json, JsonObject } from '../../base/json.ts'
import { isJsonObject } from '../../base/json.ts'
import { configDirFlag } from '../config/config-flags.ts'
import { askRunningManager, promptAnswerMs } from '../running-manager/ask-manager.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'status',
  summary: 'Show what the running device manager is doing.',
  flags: [configDirFlag, { name: 'json', summary: 'Print JSON, for programs.' }],
  async run(invocation, terminal) {
    const status = await askRunningManager(invocation, { do: 'status' }, { timeoutMs: promptAnswerMs })
    terminal.out(invocation.has('json') ? `${JSON.stringify(status)}\n` : `${statusLines(status).join('\n')}\n`)
    return 0
  },
}

/** The status for a person: a line for each thing worth knowing. */
export function statusLines(status: JsonObject): string[] {
  const link = objectIn(status, 'link')
  const queue = objectIn(status, 'queue')
  const memory = objectIn(status, 'memory')
  const since = typeof link.forS === 'number' ? ` for ${duration(link.forS)}` : ''
  const tries = link.state === 'up' ? '' : `, ${text(link.failedTries)} tries failed`
  const next = typeof link.nextTryInS === 'number' ? `, next try in ${duration(link.nextTryInS)}` : ''
  return [
    `version    ${text(status.version)}, process ${text(status.pid)}, running for ${duration(status.uptimeS)}`,
    `thing key  ${text(status.thingKey)}`,
    `link       ${text(link.state)}${since}${tries}${next}; connected again ${text(link.reconnects)} times`,
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
    ...memoryLines(memory),
    `folders    ${text(status.configDir)}, ${text(status.runtimeDir)}`,
  ]
}

function troubleLines({ code, message, remedy, at }: JsonObject): string[] {
  if (code === undefined) return []
  return [`trouble    ${text(at)} ${text(code)}: ${text(message)}`, `           ${text(remedy)}`]
}

function closedLines(closed: Json | undefined): string[] {
  if (!Array.isArray(closed)) return []
  return closed.map((one, index) => {
    const { capability, text: why } = isJsonObject(one) ? one : {}
    return `${index === 0 ? 'closed    ' : '          '} ${text(capability)}, because of a mistake: ${text(why)}`
  })
}

function warningLines(warnings: Json | undefined): string[] {
  if (!Array.isArray(warnings)) return []
  return warnings.map(
    (one, index) => `${index === 0 ? 'warnings  ' : '          '} ${text(isJsonObject(one) ? one.text : one)}`,
  )
}

/** Only lanes in which something ever happened. */
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

/** Nothing as long as no link has ended while something was on its way. */
function poisonLines({ suspects, setAside }: JsonObject): string[] {
  const aside = isJsonObject(setAside) ? setAside : {}
  const { total, kept, keptBytes, lastEpochMs, lastLane, lastBytes } = aside
  const at = typeof lastEpochMs === 'number' ? new Date(lastEpochMs).toISOString() : '-'
  return [
    ...(suspects === undefined
      ? []
      : [`suspects   ${text(suspects)} of the waiting were on their way when a link ended`]),
    ...(total === undefined
      ? []
      : [
          `set aside  ${text(total)} in all, each ended the link whenever it was sent; ${text(kept)} kept (${bytes(keptBytes)}); last at ${at}: ${text(lastLane)}, ${bytes(lastBytes)}`,
        ]),
  ]
}

function actionLines(actions: Json | undefined): string[] {
  if (!Array.isArray(actions) || actions.length === 0) return ['actions    none running']
  return actions.map((action, index) => {
    const { id, name } = isJsonObject(action) ? action : {}
    return `${index === 0 ? 'actions   ' : '          '} ${text(name)} (${text(id)})`
  })
}

function updateLines({ package: name, step }: JsonObject): string[] {
  return name === undefined ? [] : [`update     ${text(name)}, in ${text(step)}`]
}

/** What was written to flash since the start, by cause. */
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
    ...(at === undefined ? [] : [`           restarted for it at ${text(at)}, with ${bytes(usedBytes)}`]),
  ]
}

/** Nothing when there is no session of remote access. */
function relayLines(relays: Json | undefined): string[] {
  if (!Array.isArray(relays)) return []
  return relays.map((relay, index) => {
    const one = isJsonObject(relay) ? relay : {}
    const moved = `${bytes(one.bytesFromCloud)} from the cloud, ${bytes(one.bytesToCloud)} to it`
    const facts = `${text(one.target)} through ${text(one.relay)} for ${duration(one.forS)}`
    const channels = `${text(one.openChannels)} connections now`
    return `${index === 0 ? 'remote    ' : '          '} ${text(one.id)}: ${facts}, ${channels}, ${moved}`
  })
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
