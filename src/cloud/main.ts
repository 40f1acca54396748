/** `npm run cloud`: starts the local cloud and prints one line of JSON when it is ready. */
import { isLoopback } from './access/exposure.ts'
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
  // Started by a test or a tour: it must not outlive that one.
  if (process.connected) process.once('disconnect', stop)
  process.stderr.write(
    "local cloud: a developer's tool, not a production server; what it knows is gone when it stops\n",
  )
  if (!isLoopback(options.host))
    process.stderr.write(
      `local cloud: others can reach it on ${options.host}; whoever knows the token or the password may use it, and the --mqtt port is not encrypted\n`,
    )
  const ready = await cloud.start()
  process.stderr.write(`local cloud: console at https://localhost:${ready.https}/\n`)
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`local cloud: ${text}${isUsage ? '; see --help' : remedyOf(error)}\n`)
  process.exit(isUsage ? 2 : 1)
})

function remedyOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return '; another program has the port: choose one with --mqtt, --mqtts, --https (0 is any)'
  if (code === 'EACCES') return '; ports below 1024 need rights: choose others with --mqtt, --mqtts, --https'
  return ''
}
