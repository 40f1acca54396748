// SPDX-License-Identifier: Apache-2.0
import { type Lane, lanes } from '../lanes.ts'

/** The file of cursors: how far each lane is done. */
export const cursorName = 'cursors'
/** What a store that cannot be read is renamed to. */
export const damagedSuffix = '.damaged'
/** What a segment that a newer version wrote is renamed to. */
export const newerSuffix = '.newer'

/** The name of segment `number` of a lane: `telemetry-0000000042.seg`; names sort as numbers do. */
export function segmentName(lane: Lane, number: number): string {
  return `${lane}-${String(number).padStart(10, '0')}.seg`
}

/** The lane and number of a segment by its name, or undefined when it is none. */
export function parseSegmentName(name: string): { readonly lane: Lane; readonly number: number } | undefined {
  const [, laneText, digits] = /^([a-z]+)-(\d{10,15})\.seg$/.exec(name) ?? []
  const lane = lanes.find(one => one === laneText)
  return lane === undefined ? undefined : { lane, number: Number(digits) }
}
