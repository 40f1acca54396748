// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { connect } from 'node:tls'
import { eventually } from './eventually.ts'
import { freePort } from './tcp.ts'
import { tempDir } from './temp-dir.ts'
import type { TestCertificate } from './test-certificates.ts'

/** OpenSSL's own server, which wants each client to show a certificate; Node's ends such a connection without an alert. */
export async function strictServer(
  t: TestContext,
  { certificate, key }: TestCertificate,
  version: 'TLSv1.2' | 'TLSv1.3',
): Promise<{ readonly port: number }> {
  const folder = tempDir(t)
  writeFileSync(join(folder, 'cert.pem'), certificate)
  writeFileSync(join(folder, 'key.pem'), key)
  const port = await freePort()
  const words = [
    's_server',
    '-accept',
    `127.0.0.1:${port}`,
    '-Verify',
    '1',
    '-quiet',
    `-${version.toLowerCase().replace('.', '_').replace('v', '')}`,
  ]
  const files = ['-cert', join(folder, 'cert.pem'), '-key', join(folder, 'key.pem')]
  const server = spawn('openssl', [...words, ...files], { stdio: 'ignore' })
  t.after(() => server.kill('SIGKILL'))
  await eventually('openssl listens', () => answers(port))
  return { port }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    socket.once('secureConnect', () => resolve(true))
    // In TLS 1.2 the refusal is a part of the handshake.
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'))
    socket.once('secureConnect', () => socket.destroy())
  })
}
