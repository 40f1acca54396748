// SPDX-License-Identifier: Apache-2.0
/** `npm run cloud`: starts the local cloud and prints one line of JSON when it is ready. */
import { isLoopback } from './access/exposure.ts'
import { connectionCommand } from './connection-command.ts'
import { readOptions, UsageError, usage } from './options.ts'

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(usage)
    return
  }
  const { LocalCloud } = await import('./cloud.ts')
  const cloud = await LocalCloud.prepare(options)
  const stop = () => {
    cloud.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  // Started by a test or the tour: this process must end with its parent.
  if (process.connected) process.once('disconnect', stop)
  process.stderr.write("local cloud: a developer's tool, not a production server; its state is lost when it stops\n")
  if (!isLoopback(options.host))
    process.stderr.write(
      `local cloud: other machines can reach it on ${options.host}; the token and the password are its only protection, and the --mqtt port is not encrypted\n`,
    )
  const ready = await cloud.start()
  process.stderr.write(`local cloud: console at https://localhost:${ready.https}/\n`)
  process.stderr.write(
    `local cloud: a device gets its connection file by "npx tsx src/main.ts ${connectionCommand(ready)}", an application with "-f APP_ID-connect.cfg" besides\n`,
  )
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`local cloud: ${text}${isUsage ? ' See --help.' : remedyOf(error)}\n`)
  process.exit(isUsage ? 2 : 1)
})

function remedyOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return '. Another program uses the port: choose another one with --mqtt, --mqtts or --https (0 is any).'
  if (code === 'EACCES') return '. Ports below 1024 need privileges: choose others with --mqtt, --mqtts and --https.'
  return ''
}
