import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface CloudOptions {
  readonly host: string
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly token: string
  readonly user: string
  readonly password: string
  readonly dataDir: string
  readonly history: number
  readonly pythonAgent: boolean
}

/** The command line is wrong. */
export class UsageError extends Error {}

const checkout = resolve(import.meta.dirname, '../..')

export const usage = `Usage: npm run cloud -- [options]

A TR50 device cloud on this machine, to develop and test against.
It is a developer's tool, not a production server.

  --host ADDRESS     where to listen (127.0.0.1)
  --mqtt PORT        MQTT (1883); 0 is any free port, here and below
  --mqtts PORT       MQTT over TLS (8883)
  --https PORT       operator API, files, MQTT over WebSocket, console (8443)
  --token TOKEN      what devices log in with (demo)
  --user NAME        the operator (admin)
  --password TEXT    the operator's password (admin)
  --data DIR         CA and files (.device-cloud-local in the checkout)
  --history N        entries kept of each telemetry, attribute, alarm (20000)
  --python-agent     allow for the 2018 Python agent: answer a few milliseconds later,
                     and without fractions of seconds in property.history
`

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(argv: readonly string[]): CloudOptions | 'help' {
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  const values = parse(args)
  if (values.help) return 'help'
  const text = (name: string, value: string) => {
    if (value === '') throw new UsageError(`--${name} is empty`)
    return value
  }
  return {
    host: text('host', values.host),
    mqtt: portOf('mqtt', values.mqtt),
    mqtts: portOf('mqtts', values.mqtts),
    https: portOf('https', values.https),
    token: text('token', values.token),
    user: text('user', values.user),
    password: text('password', values.password),
    dataDir: values.data === undefined ? join(checkout, '.device-cloud-local') : resolve(text('data', values.data)),
    history: numberOf('history', values.history, 1, 1_000_000),
    pythonAgent: values['python-agent'],
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        mqtt: { type: 'string', default: '1883' },
        mqtts: { type: 'string', default: '8883' },
        https: { type: 'string', default: '8443' },
        token: { type: 'string', default: 'demo' },
        user: { type: 'string', default: 'admin' },
        password: { type: 'string', default: 'admin' },
        data: { type: 'string' },
        history: { type: 'string', default: '20000' },
        'python-agent': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function portOf(name: string, text: string): number {
  return numberOf(name, text, 0, 65_535)
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= least && number <= most)) throw new UsageError(`--${name} ${text}: a number from ${least} to ${most}`)
  return number
}
