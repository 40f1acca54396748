import { numberArg, numberFlags, operand } from './args.ts'
import type { Flag } from './command.ts'
import { corrIdFlag, publishCommand } from './publish-sample.ts'

const numbers: readonly Flag[] = [
  { name: 'heading', value: 'DEGREES', summary: 'Direction of travel, clockwise from north.' },
  { name: 'altitude', value: 'METRES', summary: 'Height above the sea.' },
  { name: 'speed', value: 'SPEED', summary: 'Speed over ground.' },
  { name: 'accuracy', value: 'METRES', summary: 'How far off the position may be.' },
]

const address: readonly Flag[] = [
  { name: 'street-number', value: 'TEXT', summary: 'Number of the house.' },
  { name: 'street', value: 'TEXT', summary: 'Street.' },
  { name: 'city', value: 'TEXT', summary: 'City.' },
  { name: 'state', value: 'TEXT', summary: 'State or province.' },
  { name: 'zip-code', value: 'TEXT', summary: 'Postal code.' },
  { name: 'country', value: 'TEXT', summary: 'Country.' },
]

export const command = publishCommand({
  kind: 'location',
  summary: 'Hand a position to the running device manager.',
  operands: [{ name: 'LAT' }, { name: 'LNG' }],
  flags: [
    ...numbers,
    { name: 'fix-type', value: 'TYPE', summary: 'Where the position comes from: gps, manual and so on.' },
    corrIdFlag,
    ...address,
  ],
  sample: invocation => ({
    latitude: numberArg('publish location', 'LAT', operand(invocation, 0)),
    longitude: numberArg('publish location', 'LNG', operand(invocation, 1)),
    fixType: invocation.value('fix-type'),
    streetNumber: invocation.value('street-number'),
    street: invocation.value('street'),
    city: invocation.value('city'),
    state: invocation.value('state'),
    zipCode: invocation.value('zip-code'),
    country: invocation.value('country'),
    ...numberFlags(
      'publish location',
      invocation,
      numbers.map(({ name }) => name),
    ),
  }),
})
