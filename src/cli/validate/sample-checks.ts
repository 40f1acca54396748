// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../../base/json.ts'
import { formatTimestamp, parseTimestamp } from '../../base/timestamp.ts'
import { expectSame, notProven, until, type ValidationCheck, type ValidationContext } from './validation-context.ts'

const telemetryName = 'validate_telemetry'
const attributeName = 'validate_attribute'
const offlineName = 'validate_offline'
/** Characters that wrong JSON or UTF-8 code would change. */
const awkwardText = 'quote " backslash \\ euro € tab\t end'

/** The operator sees what the device publishes, with the timestamps of the device. */
export const sampleChecks: readonly ValidationCheck[] = [
  {
    name: 'telemetry',
    run: async (context, signal) => {
      const timestamp = secondsAgo(context, 60)
      const client = await context.device.connected(signal)
      const receipt = await client.telemetry.publish(telemetryName, -21.125, { timestamp })
      await receipt.delivered({ signal })
      await seen(context, signal, 'property.current', { key: telemetryName }, current => {
        expectSame('its value', current.value, -21.125)
        expectSameTime(current.ts, timestamp)
      })
      return 'value and time'
    },
  },
  {
    name: 'telemetry current',
    needs: ['telemetry'],
    run: async ({ device }, signal) => {
      const { value } = await (await device.connected(signal)).telemetry.current(telemetryName, { signal })
      expectSame('the value that the device reads', value, -21.125)
      return 'read back by the device'
    },
  },
  {
    name: 'attribute',
    run: async (context, signal) => {
      const receipt = await (await context.device.connected(signal)).attributes.publish(attributeName, awkwardText)
      await receipt.delivered({ signal })
      await seen(context, signal, 'attribute.current', { key: attributeName }, current =>
        expectSame('its text', current.value, awkwardText),
      )
      return 'text'
    },
  },
  {
    name: 'attribute current',
    needs: ['attribute'],
    run: async ({ device }, signal) => {
      const { value } = await (await device.connected(signal)).attributes.current(attributeName, { signal })
      expectSame('the text that the device reads', value, awkwardText)
      return 'read back by the device'
    },
  },
  {
    name: 'alarm',
    run: async (context, signal) => {
      const client = await context.device.connected(signal)
      for (const [state, message] of [
        [1, 'hot'],
        [0, 'cool again'],
      ] as const) {
        const receipt = await client.alarms.publish(context.alarm, state, { message })
        await receipt.delivered({ signal })
        await seen(context, signal, 'alarm.current', { key: context.alarm }, current =>
          expectSame('state and message', [current.state, current.msg], [state, message]),
        )
      }
      return 'two states with their messages'
    },
  },
  {
    name: 'events',
    run: async (context, signal) => {
      const client = await context.device.connected(signal)
      for (const level of ['error', 'warning', 'info'] as const)
        await (await client.events.publish(`validate ${level}`, { level })).delivered({ signal })
      await seen(context, signal, 'log.list', { start: secondsAgo(context, 3600) }, ({ result }) => {
        const lines = Array.isArray(result) ? result.filter(isJsonObject) : []
        const levels = ['error', 'warning', 'info'].map(
          level => lines.find(({ msg }) => msg === `validate ${level}`)?.level,
        )
        expectSame('the levels of the three events', levels, [0, 1, 2])
      })
      return 'error, warning and info'
    },
  },
  {
    name: 'location',
    run: async (context, signal) => {
      const numbers = { heading: 180.5, altitude: 421.25, speed: 3.5 }
      const address = {
        streetNumber: '7',
        street: 'Main',
        city: 'Graz',
        state: 'Styria',
        zipCode: '8010',
        country: 'AT',
      }
      const position = {
        latitude: 47.0707,
        longitude: -15.4395,
        ...numbers,
        accuracy: 12.5,
        fixType: 'gps',
        ...address,
      }
      const receipt = await (await context.device.connected(signal)).location.publish(position)
      await receipt.delivered({ signal })
      const wanted = { lat: 47.0707, lng: -15.4395, ...numbers, fixAcc: 12.5, fixType: 'gps' }
      await seen(context, signal, 'location.current', {}, current => {
        for (const [name, value] of Object.entries(wanted)) expectSame(name, current[name], value)
      })
      return `${Object.keys(wanted).length} fields`
    },
  },
  {
    name: 'thing update',
    run: async (context, signal) => {
      const client = await context.device.connected(signal)
      const change = { name: 'Validation', description: awkwardText, iccid: iccid(context) }
      await (await client.thing.update(change)).delivered({ signal })
      const find = { key: context.device.thingKey }
      await seen(context, signal, 'thing.find', find, ({ name, desc, iccid }) =>
        expectSame('name, description and iccid', [name, desc, iccid], Object.values(change)),
      )
      await (await client.thing.update({ unset: ['description', 'iccid'] })).delivered({ signal })
      await seen(context, signal, 'thing.find', find, ({ name, desc, iccid }) =>
        expectSame('name, description and iccid', [name, desc || null, iccid ?? null], ['Validation', null, null]),
      )
      return 'three details set, two of them cleared'
    },
  },
  {
    name: 'offline queue',
    run: async (context, signal) => {
      const { device } = context
      await device.end({ waitForReplies: true })
      const samples = [0, 1, 2].map(value => ({ value, ts: secondsAgo(context, 600 - value * 60) }))
      for (const { value, ts } of samples) await device.client.telemetry.publish(offlineName, value, { timestamp: ts })
      // A restart without a connection in between: the samples wait on the disk.
      await device.end({ timeoutMs: 5_000 })
      await device.connected(signal)
      const span = { start: secondsAgo(context, 3600), end: secondsAgo(context, 0) }
      await seen(context, signal, 'property.history', { key: offlineName, ...span }, ({ values }) => {
        const rows = (Array.isArray(values) ? values.filter(isJsonObject) : []).sort(
          (one, other) => Number(one.value) - Number(other.value),
        )
        expectSame(
          'the values of the offline samples',
          rows.map(({ value }) => value),
          [0, 1, 2],
        )
        for (const [index, { ts }] of samples.entries()) expectSameTime(rows[index]?.ts, ts)
      })
      return 'three samples survived a restart without a connection, with their own timestamps'
    },
  },
]

/** Asks the operator's side about this thing until `check` accepts the answer. */
function seen(
  context: ValidationContext,
  signal: AbortSignal,
  command: string,
  params: JsonObject,
  check: (answer: JsonObject) => void,
): Promise<void> {
  const { device, operator } = context
  const of = command.startsWith('thing.') ? params : { thingKey: device.thingKey, ...params }
  return until(context, signal, async () => check(await operator.do(command, of, { signal })))
}

function secondsAgo({ clock }: ValidationContext, seconds: number): string {
  return formatTimestamp(Math.floor(clock.now()) - seconds * 1000)
}

/** Compares to the second, because some answers of the cloud drop the fraction [TR50 8.3]. */
function expectSameTime(seen: unknown, wanted: string): void {
  const [one, other] = [typeof seen === 'string' ? parseTimestamp(seen) : undefined, parseTimestamp(wanted)]
  if (one === undefined || other === undefined || Math.abs(one - other) >= 1000)
    throw notProven(`its time is ${JSON.stringify(seen)}, not ${wanted}`)
}

/** A random number of 19 digits, which must be unique in the cloud. */
function iccid({ clock }: ValidationContext): string {
  return `89${String(Math.floor(clock.random() * 1e15)).padStart(15, '0')}00`
}
