// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ProxySettings } from '../../src/config/settings.ts'
import { systemNames } from '../../src/connection/names/name-look-up.ts'
import { eventually } from './eventually.ts'
import { freePort } from './tcp.ts'
import { tempDir } from './temp-dir.ts'
import { listen } from './test-servers.ts'

/** Logins that the proxies want. tinyproxy takes plain words only; the other has what breaks careless URLs and headers. */
const plainLogin = { username: 'gate-keeper', password: 'plain-passw0rd' }
const hardLogin = { username: 'gate keeper', password: 'p@ss:w/rd%20"é' }

type Program = 'tinyproxy' | 'danted' | 'microsocks' | 'sshd'

/** One way through a real proxy of Debian. */
export interface ProxyKind {
  readonly name: string
  readonly program: Program
  readonly type: ProxySettings['type']
  readonly login?: { readonly username: string; readonly password: string }
  /** How the server behind is named: SOCKS4 knows addresses only. */
  readonly serverHost: string
}

export const proxyKinds: readonly ProxyKind[] = [
  { name: 'HTTP', program: 'tinyproxy', type: 'http', serverHost: 'localhost' },
  { name: 'HTTP with login', program: 'tinyproxy', type: 'http', login: plainLogin, serverHost: 'localhost' },
  { name: 'SOCKS4', program: 'danted', type: 'socks4', serverHost: '127.0.0.1' },
  // danted takes the name of SOCKS4a for an address; OpenSSH's dynamic forwarding knows it.
  { name: 'SOCKS4a', program: 'sshd', type: 'socks4', serverHost: 'localhost' },
  { name: 'SOCKS5', program: 'danted', type: 'socks5', serverHost: 'localhost' },
  { name: 'SOCKS5 of another make', program: 'microsocks', type: 'socks5', serverHost: 'localhost' },
  { name: 'SOCKS5 with login', program: 'microsocks', type: 'socks5', login: hardLogin, serverHost: 'localhost' },
]

const folders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin']
const packages: Readonly<Record<Program, string>> = {
  tinyproxy: 'tinyproxy-bin',
  danted: 'dante-server',
  microsocks: 'microsocks',
  sshd: 'openssh-server',
}

/** Why a proxy cannot be tested here, or false. */
export function proxyMissing(kind: ProxyKind): string | false {
  if (programPath(kind.program) !== undefined) return false
  return `${kind.program} is not installed (Debian package ${packages[kind.program]})`
}

function programPath(program: Program): string | undefined {
  return folders.map(folder => join(folder, program)).find(existsSync)
}

export interface RealProxy {
  readonly settings: ProxySettings
  /** What went into the proxy so far, counted right in front of it. */
  carried(): { connections: number; bytes: number }
  /** Ends the proxy without a word, and everything that it carries with it. */
  kill(): void
  /** Starts it again on its port after {@link kill}. */
  revive(): Promise<void>
}

/** Starts a proxy for one test, behind a front that counts what it carries. */
export async function startProxy(t: TestContext, kind: ProxyKind): Promise<RealProxy> {
  const folder = tempDir(t)
  const port = await freePort()
  let children: ChildProcess[] = []
  const kill = () => children.forEach(stop)
  const revive = async () => {
    // A busy machine takes its time over a kill, and until then the port is not free.
    await eventually(`the old ${kind.program} is gone`, async () => !(await answers(port)))
    children = await spawnProxy(kind, port, folder)
    await eventually(`${kind.program} listens`, () => answers(port))
  }
  t.after(kill)
  await revive()
  let connections = 0
  let bytes = 0
  const front = createServer(client => {
    connections++
    const proxy = connect({ host: '127.0.0.1', port, noDelay: true })
    client.on('data', data => (bytes += data.length))
    client.pipe(proxy).pipe(client)
    const end = () => {
      client.destroy()
      proxy.destroy()
    }
    for (const socket of [client, proxy]) socket.on('error', end).on('close', end)
  })
  const { port: frontPort } = await listen(t, front)
  return {
    settings: { type: kind.type, host: '127.0.0.1', port: frontPort, ...kind.login },
    carried: () => ({ connections, bytes }),
    kill,
    revive,
  }
}

async function spawnProxy(kind: ProxyKind, port: number, folder: string): Promise<ChildProcess[]> {
  const path = programPath(kind.program) ?? kind.program
  const config = join(folder, 'proxy.conf')
  // Its own process group, so that the children of a forking server end with it.
  const options = { stdio: 'ignore', detached: true } as const
  const { login } = kind
  switch (kind.program) {
    case 'tinyproxy': {
      const auth = login === undefined ? '' : `BasicAuth ${login.username} ${login.password}\n`
      writeFileSync(config, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nMaxClients 50\n${auth}`)
      return [spawn(path, ['-d', '-c', config], options)]
    }
    case 'danted': {
      const rules = 'client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\nsocks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }\n'
      const head = `logoutput: ${join(folder, 'log')}\ninternal: 127.0.0.1 port = ${port}\nexternal: 127.0.0.1\n`
      writeFileSync(config, `${head}clientmethod: none\nsocksmethod: none\n${rules}`)
      return [spawn(path, ['-f', config, '-p', join(folder, 'pid'), '-N', '1'], options)]
    }
    case 'microsocks': {
      const auth = login === undefined ? [] : ['-u', login.username, '-P', login.password]
      return [spawn(path, ['-i', '127.0.0.1', '-p', String(port), ...auth], options)]
    }
    case 'sshd':
      return spawnSsh(path, port, folder)
  }
}

/** An SSH server of this user, and a client that offers SOCKS and sends everything through it. */
async function spawnSsh(path: string, socksPort: number, folder: string): Promise<ChildProcess[]> {
  const options = { stdio: 'ignore', detached: true } as const
  const key = join(folder, 'key')
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  // Where nothing has started the service before, this folder is missing, and only root needs it.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const port = await freePort()
  const config = join(folder, 'sshd.conf')
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${key}`,
    `AuthorizedKeysFile ${key}.pub`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'PermitRootLogin yes',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const server = spawn(path, ['-D', '-f', config], options)
  await eventually('sshd listens', () => answers(port))
  const quiet = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes'].flatMap(one => [
    '-o',
    one,
  ])
  const socks = ['-D', `127.0.0.1:${socksPort}`, '-p', String(port), '-i', key, ...quiet]
  const client = spawn('ssh', ['-F', 'none', '-N', ...socks, '127.0.0.1'], options)
  return [client, server]
}

function stop(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended before.
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Watches how this process reaches the network: names that it looks up, and remote ports that it connects to by itself. */
export function watchNetwork(t: TestContext): { readonly names: string[]; readonly ports: number[] } {
  const names: string[] = []
  const ports: number[] = []
  const { addressesOf } = systemNames
  t.mock.method(systemNames, 'addressesOf', (name: string, signal: AbortSignal) => {
    names.push(name)
    return addressesOf.call(systemNames, name, signal)
  })
  const onSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket }
    socket.once('connect', () => socket.remotePort !== undefined && ports.push(socket.remotePort))
  }
  subscribe('net.client.socket', onSocket)
  t.after(() => unsubscribe('net.client.socket', onSocket))
  return { names, ports }
}
