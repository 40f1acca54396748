// SPDX-License-Identifier: Apache-2.0
/** The control characters of ASCII and Latin-1, line ends among them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
const controls = /[\u0000-\u001f\u007f-\u009f]/g

/** Text from outside in one line that a terminal can show: a `?` stands for each control character. */
export function withoutControls(text: string): string {
  return text.replace(controls, '?')
}

/** Text from outside for a log, where it can forge no second line: each control character is written as `\x1b`. */
export function escapeControls(text: string): string {
  return text.replace(controls, unit => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
