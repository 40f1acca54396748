// SPDX-License-Identifier: Apache-2.0
const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** A number of bytes for a person, with one decimal: `1.5 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
