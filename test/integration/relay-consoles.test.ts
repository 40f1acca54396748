// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually, eventuallyEqual } from '../helpers/eventually.ts'
import { startCloud } from '../helpers/local-cloud.ts'
import { deviceToken, makeDevice } from '../helpers/managed-device.ts'
import { freePort, readToEnd, tcpClient } from '../helpers/tcp.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const sshd = '/usr/sbin/sshd'
const ssh = '/usr/bin/ssh'
const dropbear = '/usr/sbin/dropbear'
const dropbearKey = '/usr/bin/dropbearkey'
const busybox = ['/usr/bin/busybox', '/bin/busybox'].find(path => existsSync(path))
const user = String(execFileSync('id', ['-un'])).trim()
const isRoot = process.getuid?.() === 0

/** The files of an sshd of its own: keys, and a configuration for `port`. */
function sshFiles(t: TestContext, port: number): { config: string; key: string } {
  const folder = tempDir(t)
  const keygen = (name: string) =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  keygen('host')
  keygen('key')
  const authorized = join(folder, 'authorized')
  writeFileSync(authorized, readFileSync(join(folder, 'key.pub')), { mode: 0o600 })
  const config = join(folder, 'sshd_config')
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile ${join(folder, 'pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'Subsystem sftp internal-sftp',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  // sshd insists on it, and Debian makes it only for its service.
  if (isRoot) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  return { config, key: join(folder, 'key') }
}

/** Runs a command over ssh; resolves to what it printed. Whom it trusts: anybody, unless `trust` says otherwise. */
function runSsh(
  port: number,
  key: string,
  command: string,
  { input, trust = {} }: { readonly input?: Buffer; readonly trust?: Readonly<Record<string, string>> } = {},
): Promise<Buffer> {
  const options = {
    StrictHostKeyChecking: 'no',
    UserKnownHostsFile: '/dev/null',
    LogLevel: 'ERROR',
    BatchMode: 'yes',
    ConnectTimeout: '30',
    ...trust,
  }
  const settings = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const words = ['-F', 'none', ...settings, '-i', key, '-p', String(port)]
  const child = spawn(ssh, [...words, `${user}@127.0.0.1`, command], { stdio: ['pipe', 'pipe', 'pipe'] })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', part => out.push(part))
  child.stderr.on('data', part => err.push(part))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? resolve(Buffer.concat(out)) : reject(new Error(`ssh: ${code} ${Buffer.concat(err)}`)),
    )
  })
}

const needsSsh = { skip: existsSync(sshd) && existsSync(ssh) ? false : 'needs openssh-server and openssh-client' }
const hasDropbear = [dropbear, dropbearKey, '/usr/bin/ssh-keygen', ssh].every(path => existsSync(path))
const needsDropbear = { skip: hasDropbear ? false : 'needs dropbear-bin and openssh-client' }
const needsBusybox = { skip: busybox === undefined ? 'needs busybox' : false }

test(
  'ssh through the relay: to a listening sshd, and to one that is started for each connection',
  needsSsh,
  async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    const [port, consolePort] = [await freePort(), await freePort()]
    const files = sshFiles(t, port)
    const daemon = spawn(sshd, ['-D', '-e', '-f', files.config], { stdio: ['ignore', 'ignore', 'pipe'] })
    t.after(() => void daemon.kill('SIGKILL'))
    let said = ''
    daemon.stderr.on('data', part => {
      said += part
    })
    await eventually(
      () => `sshd listens: ${said}`,
      () => said.includes('Server listening'),
    )
    const device = makeDevice(t, cloud, {
      manager: {
        remote_access_support: [
          { name: 'SSH', port },
          { name: 'Console', port: consolePort, command: `${sshd} -i -e -f ${files.config}` },
        ],
      },
    })
    const manager = await device.start()
    const { thingKey } = device
    await cloud.waitForThing(thingKey)

    for (const name of ['SSH', 'Console']) {
      await t.test(`${name}: commands at once, and bulk both ways`, async () => {
        const wanted = name === 'SSH' ? { port } : { port: consolePort }
        const relay = await cloud.ask('relay.open', { thingKey, ...wanted })
        const bulk = Buffer.alloc(4_000_000)
        for (let at = 0; at < bulk.length; at++) bulk[at] = (at * 7919) >> 5
        const sum = createHash('sha256').update(bulk).digest('hex')
        const [hello, up, down] = await Promise.all([
          runSsh(relay.port, files.key, 'echo hello; exit 0'),
          runSsh(relay.port, files.key, 'sha256sum', { input: bulk }),
          runSsh(relay.port, files.key, 'head -c 4000000 /dev/zero'),
        ])
        assert.equal(String(hello), 'hello\n')
        assert.equal(String(up).split(' ')[0], sum)
        assert.ok(down.equals(Buffer.alloc(4_000_000)))
        await cloud.ask('relay.close', { id: relay.id })
      })
    }

    await t.test('nothing listens for the console, and nothing of it is left', async () => {
      await assert.rejects(tcpClient(t, consolePort))
      await eventuallyEqual('sshd of the console', () => processesWith(`sshd -i -e -f ${files.config}`), [])
    })

    await t.test('what serves the console, and as whom, is not published', async () => {
      const { params } = await cloud.exec(thingKey, 'get_remote_access_info')
      assert.equal(
        params.remote_access_attribute,
        `[{"name": "SSH", "port": ${port}}, {"name": "Console", "port": ${consolePort}}]`,
      )
    })

    await t.test('a manager that is killed leaves no console behind', async () => {
      const relay = await cloud.ask('relay.open', { thingKey, port: consolePort })
      // sshd lets a command without a terminal go on: this one ends with the folder.
      const command = `cd ${device.folder}; touch console; while [ -e console ]; do sleep 1; done`
      const session = runSsh(relay.port, files.key, command).catch(() => 'cut')
      await eventually('a console', () => existsSync(device.path('console')))
      manager.kill('SIGKILL')
      assert.equal(await session, 'cut')
      await eventuallyEqual('sshd of the console', () => processesWith(`sshd -i -e -f ${files.config}`), [])
    })
  },
)

test(
  'dropbear, started for each connection, is who it is to a client, and asks for a login',
  needsDropbear,
  async t => {
    const cloud = await startCloud(t, { token: deviceToken })
    const folder = tempDir(t)
    const hostKey = join(folder, 'host')
    execFileSync(dropbearKey, ['-t', 'ed25519', '-f', hostKey], { stdio: 'ignore' })
    const publicKey = /^ssh-ed25519 \S+/m.exec(String(execFileSync(dropbearKey, ['-y', '-f', hostKey])))?.[0]
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
    const command = [dropbear, '-i', '-r', hostKey]
    const device = makeDevice(t, cloud, { manager: { remote_access_support: [{ name: 'SSH', port: 22, command }] } })
    await device.start()
    await cloud.waitForThing(device.thingKey)
    const { id, port } = await cloud.ask('relay.open', { thingKey: device.thingKey, port: 22 })
    const known = join(folder, 'known_hosts')
    const login = (key: string) => {
      writeFileSync(known, `[127.0.0.1]:${port} ${key}\n`)
      return runSsh(port, join(folder, 'key'), 'true', {
        trust: { StrictHostKeyChecking: 'yes', UserKnownHostsFile: known },
      })
    }
    // What it lets in is its own affair and lies in the home folder of the user: this key it does not know.
    await assert.rejects(login(publicKey ?? ''), /Permission denied \(publickey/)
    const another = readFileSync(join(folder, 'key.pub'), 'utf8').trim()
    await assert.rejects(login(another), /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed/)
    await cloud.ask('relay.close', { id })
    await eventuallyEqual('dropbear', () => processesWith(`dropbear -i -r ${hostKey}`), [])
  },
)

test('BusyBox telnetd, started for each connection as a user, and ended with it', needsBusybox, async t => {
  const cloud = await startCloud(t, { token: deviceToken })
  // Names of their own, by which the process table tells them from those of others.
  const shell = join(tempDir(t), 'sh')
  symlinkSync('/bin/sh', shell)
  const pages = tempDir(t)
  const device = makeDevice(t, cloud, {
    manager: {
      remote_access_support: [
        { name: 'Telnet', port: '23', command: [busybox, 'telnetd', '-i', '-l', shell] },
        { name: 'As nobody', port: 24, command: ['/usr/bin/id'], user: 'nobody' },
        { name: 'As nobody at all', port: 25, command: ['/usr/bin/id'], user: 'no-such-user' },
        { name: 'No program', port: 26, command: ['/no/such/program'] },
        { name: 'Web', port: 27, command: [busybox, 'httpd', '-f', '-p', '127.0.0.1:{port}', '-h', pages] },
      ],
    },
  })
  const manager = await device.start()
  const { thingKey } = device
  await cloud.waitForThing(thingKey)
  const open = (port: number) => cloud.ask('relay.open', { thingKey, port })

  await t.test('a telnet client gets a shell', async () => {
    const { id, port } = await open(23)
    const client = spawn(busybox ?? '', ['telnet', '127.0.0.1', String(port)], { stdio: ['pipe', 'pipe', 'ignore'] })
    t.after(() => void client.kill('SIGKILL'))
    let out = ''
    client.stdout.on('data', part => {
      out += part
    })
    client.stdin.write('echo $((6 * 7)) is the answer; tty\n')
    await eventually('the answer', () => /42 is the answer\r?\n\/dev\/pts/.test(out))
    // A terminal that pauses for a while goes on where it was.
    client.stdin.write('seq 1 200000; echo the end\n')
    client.stdout.pause()
    await new Promise(resolve => setTimeout(resolve, 500))
    client.stdout.resume()
    // A line of its own: the terminal also echoes the command.
    await eventually('the end', () => /\nthe end\r?\n/.test(out.slice(-200)))
    const numbers = out.split(/\r?\n/).filter(line => /^\d+$/.test(line))
    assert.deepEqual([numbers.length, numbers.at(-1)], [200_000, '200000'])
    const shells = () => processesWith(`telnetd -i -l ${shell}`)
    assert.equal(shells().length, 1)
    client.kill('SIGKILL')
    await eventuallyEqual('telnetd', shells, [])
    await cloud.ask('relay.close', { id })
  })

  await t.test('a service runs as its user, with no other group', async () => {
    const { id, port } = await open(24)
    const client = await tcpClient(t, port)
    let out = ''
    client.on('data', part => {
      out += part
    })
    await eventually('the end', () => client.destroyed)
    if (isRoot) assert.match(out, /^uid=\d+\(nobody\) gid=\d+\(nogroup\) groups=\d+\(nogroup\)\n$/)
    else await eventually('a line of the log', () => /Only root can start a program as user nobody/.test(manager.err))
    await cloud.ask('relay.close', { id })
  })

  await t.test('what cannot be started ends the connection and is told in the log', async () => {
    for (const [number, pattern] of [
      [25, /There is no user no-such-user/],
      [26, /\/no\/such\/program/],
    ] as const) {
      const { id, port } = await open(number)
      const client = await tcpClient(t, port)
      await eventually('the end of the connection', () => client.destroyed || client.resume().destroyed)
      await eventually('a line of the log', () => pattern.test(manager.err))
      await cloud.ask('relay.close', { id })
    }
  })

  await t.test('a program that can only listen does so for the session, on loopback, and no longer', async () => {
    // Its process for a connection looks like itself, and may be there for a moment after it: a second one would have another port.
    const httpd = () => [
      ...new Set(processesWith(`-h ${pages}`).flatMap(line => /^\S*busybox httpd .*:(\d+) -h/.exec(line)?.[1] ?? [])),
    ]
    const { id, port } = await open(27)
    const get = async (relayPort: number) => {
      const client = await tcpClient(t, relayPort)
      client.write('GET /nothing HTTP/1.0\r\n\r\n')
      assert.match(String(await readToEnd(client)), /^HTTP\/1\.\d 404/)
    }
    assert.deepEqual(httpd(), [])
    for (let round = 0; round < 2; round++) await get(port)
    const [own, ...others] = httpd()
    assert.deepEqual(others, [])
    await cloud.ask('relay.close', { id })
    await eventuallyEqual('httpd', httpd, [])
    await assert.rejects(tcpClient(t, Number(own)))
    // Nor when the manager is killed.
    await get((await open(27)).port)
    assert.equal(httpd().length, 1)
    manager.kill('SIGKILL')
    await eventuallyEqual('httpd', httpd, [])
  })
})

/** The command lines that run now and have `text` in them. */
function processesWith(text: string): string[] {
  return String(execFileSync('ps', ['-ww', '-eo', 'args']))
    .split('\n')
    .filter(line => line.includes(text))
}
