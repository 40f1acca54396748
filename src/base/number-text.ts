const plainInteger = /^[+-]?(\d+)(?:\.\d*)?$/

/**
 * The number of a text in decimal digits; undefined when a number cannot hold what is written: an integer with more digits than a
 * number carries (about 16; `9007199254740993` would become `9007199254740992`), or one that is too large for any number. A fraction
 * and an exponent say that rounding is meant.
 */
export function heldNumber(text: string): number | undefined {
  const value = Number(text)
  if (!Number.isFinite(value)) return undefined
  const digits = plainInteger.exec(text)?.[1]
  if (digits === undefined || Number.isSafeInteger(Number(digits))) return value
  // Two texts for the same magnitude: they are the same number when their digits without the zeros at both ends are.
  return significant(digits) === significant(Number(digits).toExponential().replace(/e.*$/, '')) ? value : undefined
}

/** Whether JavaScript holds the number that is written, to the last digit of an integer. */
export function isSafeLiteral(literal: string): boolean {
  const value = Number(literal)
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !/^-?\d+$/.test(literal))
}

function significant(digits: string): string {
  return digits.replace('.', '').replace(/^0+|(?<!0)0+$/g, '')
}
