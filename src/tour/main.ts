// SPDX-License-Identifier: Apache-2.0
/**
 * `npm start`: starts the local cloud and a device manager, and shows on a short tour what they do.
 * Ctrl-C stops everything; `npm start -- --once` ends after the tour.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, freePort, startProgram } from './children.ts'
import { type ReadyCloud, thingKey, writeDeviceConfig } from './device.ts'
import { Operator } from './operator.ts'
import { bold, dim, heading, say } from './screen.ts'
import { fetchFile, ping, sendFile, showAttributes, showHealth } from './steps.ts'

const once = process.argv.includes('--once')
const folder = mkdtempSync(join(tmpdir(), 'device-cloud-tour-'))
const children: Child[] = []
let ending = false

async function end(exitCode: number): Promise<never> {
  ending = true
  // The device first, so that it can disconnect from the cloud in order.
  for (const child of [...children].reverse()) await child.stop()
  rmSync(folder, { recursive: true, force: true })
  process.exit(exitCode)
}

function start(name: string, file: string, args: readonly string[], onLine: (line: string) => void): Child {
  const label = dim(`${name} |`)
  const child = startProgram(file, args, onLine, line => say(`${label} ${line}`))
  children.push(child)
  void child.ended.then(how => {
    if (ending) return
    say(`${name.trim()} ended unexpectedly: ${how}`)
    void end(1)
  })
  return child
}

async function startCloud(): Promise<ReadyCloud> {
  const ports = { mqtt: await freePort(1883), mqtts: await freePort(8883), https: await freePort(8443) }
  const args = Object.entries(ports).flatMap(([name, port]) => [`--${name}`, String(port)])
  args.push('--data', join(folder, 'cloud'))
  return new Promise(resolve => {
    start('cloud ', 'src/cloud/main.ts', args, line => {
      if (line.startsWith('{"ready"')) resolve(JSON.parse(line) as ReadyCloud)
    })
  })
}

async function tour(): Promise<void> {
  heading('Starting the local cloud and a device')
  const cloud = await startCloud()
  const deviceDir = join(folder, 'device')
  const runtimeDir = join(deviceDir, 'runtime')
  writeDeviceConfig(deviceDir, cloud)
  start('device', 'src/main.ts', ['manager', '-c', deviceDir], line => say(`${dim('device |')} ${line}`))

  const operator = new Operator({ host: 'localhost', port: cloud.https, ca: readFileSync(cloud.ca, 'utf8') })
  const { user, password } = cloud.operator
  await operator.login(user, password)
  await showAttributes(operator)
  await showHealth(operator)
  await ping(operator)
  await sendFile(operator, runtimeDir)
  await fetchFile(operator, runtimeDir)

  if (once) return
  heading('Look around')
  say(
    `  Console:    ${bold(`https://localhost:${cloud.https}/`)}  (user ${user}, password ${password}; its CA is ${cloud.ca})`,
  )
  say(`  The device: thing key ${thingKey}, configuration in ${deviceDir}`)
  say(`  From a shell: npx tsx src/main.ts status -c ${deviceDir}`)
  say('  An application of your own, hello, finds this cloud when you write its connection file:')
  say(`    npx tsx src/main.ts config generate -f hello-connect.cfg ${connectionFlags(cloud)}`)
  say(`  ${dim('Ctrl-C stops everything.')}\n`)
}

/** For the words after `config generate`: a port other than 8883 must say that it speaks TLS. */
function connectionFlags({ mqtts, ca, token }: ReadyCloud): string {
  const transport = mqtts === 8883 ? '' : ' --transport mqtts'
  return `-c localhost -p ${mqtts}${transport} -t ${token} -s ${ca}`
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!ending) void end(0)
  })
}

tour().then(
  () => (once ? end(0) : undefined),
  (error: unknown) => {
    if (ending) return undefined
    console.error(error instanceof Error ? error.message : error)
    return end(1)
  },
)
