// SPDX-License-Identifier: Apache-2.0
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
  /** The operator's password; undefined: the cloud makes one and keeps it in the data folder. */
  readonly password: string | undefined
  /** Further names and addresses of this cloud, in lower case. */
  readonly names: readonly string[]
  readonly dataDir: string
  readonly history: number
  readonly pythonAgent: boolean
}

/** The command line is invalid; the message is a full sentence. */
export class UsageError extends Error {}

/** `device-cloud validate` reads the same variable. Other users of the machine can read a command line, not this. */
export const passwordVariable = 'DEVICE_CLOUD_OPERATOR_PASSWORD'

const checkout = resolve(import.meta.dirname, '../..')

export const usage = `Usage: npm run cloud -- [options]

A TR50 device cloud on this machine, to develop and test against.
It is a developer's tool, not a production server.

  --host ADDRESS     where to listen (127.0.0.1); any other than loopback needs --token
  --name NAME        a further name or address of this cloud for devices and browsers;
                     may be given several times
  --mqtt PORT        MQTT (1883); 0 is any free port, here and below
  --mqtts PORT       MQTT over TLS (8883)
  --https PORT       operator API, files, MQTT over WebSocket, console (8443)
  --token TOKEN      the token with which devices log in (demo)
  --user NAME        the operator's user name (admin)
  --password TEXT    the operator's password; also from ${passwordVariable},
                     which the process list does not show. By default it is made at the
                     first start, kept in --data and printed in the ready line
  --data DIR         CA, password and files (.device-cloud-local in the checkout)
  --history N        entries kept of each telemetry, attribute, alarm (20000)
  --python-agent     for the 2018 Python agent: answers a few milliseconds later, and
                     without fractions of seconds in property.history
`

/** Reads the command line, and the password from the environment; throws {@link UsageError}. */
export function readOptions(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): CloudOptions | 'help' {
  const args = argv[0] === '--' ? argv.slice(1) : [...argv]
  const values = parse(args)
  if (values.help) return 'help'
  const text = (name: string, value: string) => {
    if (value === '') throw new UsageError(`--${name} is empty.`)
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
  if (!isLoopback(options.host)) refuseWeakSecrets(options)
  return options
}

/** Throws when the token or the password is too weak for a cloud that other machines can reach. */
function refuseWeakSecrets({ host, token, user, password }: CloudOptions): void {
  const secrets = [
    ['token', token, 'of devices'],
    ['password', password, 'of the operator'],
  ] as const
  for (const [name, secret, owner] of secrets) {
    const weakness = secret === undefined ? undefined : weaknessOf(secret, user)
    if (weakness === undefined) continue
    throw new UsageError(
      `--host ${host}: other machines can reach this cloud there, and the ${name} ${owner} ${weakness}. Choose another one with --${name}.`,
    )
  }
}

/** A name that may be in a certificate and in a Host header. */
function nameOf(text: string): string {
  const name = text.toLowerCase()
  if (
    isIP(name) !== 0 ||
    (name.length <= 253 &&
      /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name))
  )
    return name
  throw new UsageError(`--name ${text}: give a host name or an address, without scheme and port.`)
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
    const text = error instanceof Error ? error.message : String(error)
    // Node's own texts have no full stop, and main.ts adds a sentence.
    throw new UsageError(text.endsWith('.') ? text : `${text}.`)
  }
}

function portOf(name: string, text: string): number {
  return numberOf(name, text, 0, 65_535)
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= min && number <= max)) throw new UsageError(`--${name} ${text}: give a number from ${min} to ${max}.`)
  return number
}
