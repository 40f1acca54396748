import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { isLoopback, weaknessOf } from './access/exposure.ts'

export interface CloudOptions {
  readonly host: string
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly token: string
  readonly user: string
  /** The operator's password; undefined: one that is made and kept in the data folder. */
  readonly password: string | undefined
  /** Further names and addresses by which this cloud is reached, in lower case. */
  readonly names: readonly string[]
  readonly dataDir: string
  readonly history: number
  readonly pythonAgent: boolean
}

/** The command line is wrong. */
export class UsageError extends Error {}

/** The same name by which `device-cloud validate` takes it; other users of the machine can read a command line. */
export const passwordVariable = 'DEVICE_CLOUD_OPERATOR_PASSWORD'

const checkout = resolve(import.meta.dirname, '../..')

export const usage = `Usage: npm run cloud -- [options]

A TR50 device cloud on this machine, to develop and test against.
It is a developer's tool, not a production server.

  --host ADDRESS     where to listen (127.0.0.1); another than loopback needs --token
  --name NAME        a further name or address by which devices and browsers reach it;
                     may be given several times
  --mqtt PORT        MQTT (1883); 0 is any free port, here and below
  --mqtts PORT       MQTT over TLS (8883)
  --https PORT       operator API, files, MQTT over WebSocket, console (8443)
  --token TOKEN      what devices log in with (demo)
  --user NAME        the operator (admin)
  --password TEXT    the operator's password; also from ${passwordVariable},
                     which the process list does not show. Without: one is made at the first
                     start, kept in --data and printed in the ready line
  --data DIR         CA, password and files (.device-cloud-local in the checkout)
  --history N        entries kept of each telemetry, attribute, alarm (20000)
  --python-agent     allow for the 2018 Python agent: answer a few milliseconds later,
                     and without fractions of seconds in property.history
`

/** Reads the command line, and the password from the environment; throws {@link UsageError}. */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): CloudOptions | 'help' {
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  const values = parse(args)
  if (values.help) return 'help'
  const text = (name: string, value: string) => {
    if (value === '') throw new UsageError(`--${name} is empty`)
    return value
  }
  const password = values.password ?? (env[passwordVariable] || undefined)
  const options: CloudOptions = {
    host: text('host', values.host),
    mqtt: portOf('mqtt', values.mqtt),
    mqtts: portOf('mqtts', values.mqtts),
    https: portOf('https', values.https),
    token: text('token', values.token),
    user: text('user', values.user),
    password: password === undefined ? undefined : text('password', password),
    names: (values.name ?? []).map(nameOf),
    dataDir: values.data === undefined ? join(checkout, '.device-cloud-local') : resolve(text('data', values.data)),
    history: numberOf('history', values.history, 1, 1_000_000),
    pythonAgent: values['python-agent'],
  }
  if (!isLoopback(options.host)) refuseKnownSecrets(options)
  return options
}

/** Others can reach it: what everybody knows keeps nobody out. */
function refuseKnownSecrets({ host, token, user, password }: CloudOptions): void {
  const secrets = [
    ['token', token, 'of devices'],
    ['password', password, 'of the operator'],
  ] as const
  for (const [name, secret, whose] of secrets) {
    const weakness = secret === undefined ? undefined : weaknessOf(secret, user)
    if (weakness === undefined) continue
    throw new UsageError(
      `--host ${host}: others can reach this cloud there, and the ${name} ${whose} ${weakness}; choose one with --${name}`,
    )
  }
}

/** A name that a certificate can hold and a Host header can say. */
function nameOf(text: string): string {
  const name = text.toLowerCase()
  if (
    isIP(name) !== 0 ||
    (name.length <= 253 &&
      /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name))
  )
    return name
  throw new UsageError(`--name ${text}: a host name or an address, without scheme and port`)
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
        password: { type: 'string' },
        name: { type: 'string', multiple: true },
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
