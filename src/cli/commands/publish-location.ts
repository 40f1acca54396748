// SPDX-License-Identifier: Apache-2.0
import { corrIdFlag, publishCommand, type TextFlags, textsIn } from '../running-manager/publish-command.ts'
import { numberArg, numberFlags, operand } from '../shell/args.ts'
import type { Flag } from '../shell/command.ts'

const numbers: readonly Flag[] = [
  { name: 'heading', value: 'DEGREES', summary: 'Direction of travel, clockwise from north.' },
  { name: 'altitude', value: 'METRES', summary: 'Height above sea level.' },
  { name: 'speed', value: 'SPEED', summary: 'Speed over ground.' },
  { name: 'accuracy', value: 'METRES', summary: 'How far the position may be off.' },
]

/** By member of the sample. */
const texts: TextFlags = {
  fixType: { name: 'fix-type', value: 'TYPE', summary: 'Where the position comes from: gps, manual and so on.' },
  streetNumber: { name: 'street-number', value: 'TEXT', summary: 'House number.' },
  street: { name: 'street', value: 'TEXT', summary: 'Street.' },
  city: { name: 'city', value: 'TEXT', summary: 'City.' },
  state: { name: 'state', value: 'TEXT', summary: 'State or province.' },
  zipCode: { name: 'zip-code', value: 'TEXT', summary: 'Postal code.' },
  country: { name: 'country', value: 'TEXT', summary: 'Country.' },
}

export const command = publishCommand({
  kind: 'location',
  summary: 'Publish a position through the running device manager.',
  operands: [{ name: 'LAT' }, { name: 'LNG' }],
  flags: [...numbers, ...Object.values(texts), corrIdFlag],
  sample: invocation => ({
    latitude: numberArg('publish location', 'LAT', operand(invocation, 0)),
    longitude: numberArg('publish location', 'LNG', operand(invocation, 1)),
    ...textsIn(invocation, texts),
    ...numberFlags('publish location', invocation, numbers),
  }),
})
