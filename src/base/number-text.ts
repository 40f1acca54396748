// SPDX-License-Identifier: Apache-2.0
const plainInteger = /^[+-]?(\d+)(?:\.\d*)?$/

/**
 * The number of a text in decimal digits; undefined when a number cannot hold it: an integer with more digits than a number
 * carries (about 16; `9007199254740993` would become `9007199254740992`), or one that is too large for any number. A writer who
 * gives a fraction or an exponent accepts rounding.
 */
export function heldNumber(text: string): number | undefined {
  const value = Number(text)
  if (!Number.isFinite(value)) return undefined
  const digits = plainInteger.exec(text)?.[1]
  if (digits === undefined || Number.isSafeInteger(Number(digits))) return value
  // Both texts have the same magnitude, so they are the same number when their digits without the zeros at both ends are equal.
  return significant(digits) === significant(Number(digits).toExponential().replace(/e.*$/, '')) ? value : undefined
}

/** Whether JavaScript can hold a written number; an integer to its last digit. */
export function isSafeLiteral(literal: string): boolean {
  const value = Number(literal)
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !/^-?\d+$/.test(literal))
}

function significant(digits: string): string {
  return digits.replace('.', '').replace(/^0+|(?<!0)0+$/g, '')
}
