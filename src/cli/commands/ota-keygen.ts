// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { operand } from '../shell/args.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'ota keygen',
  summary: 'Make a key pair for signing update packages.',
  description:
    'Writes the private key to FILE, readable only by its owner, and prints the public key for ota.public_keys.',
  operands: [{ name: 'FILE' }],
  flags: [],
  async run(invocation, terminal) {
    const path = resolve(operand(invocation, 0))
    const { generateKeyPairSync } = await import('node:crypto')
    const { createFile } = await import('../../platform/files/write-file.ts')
    const { publicKeyText } = await import('../../manager/ota/commands.ts')
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    if (!(await createFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }))))
      throw new AgentError('INVALID_ARGUMENT', `${path} exists already, and a key is never overwritten.`, {
        details: { path },
        remedy: 'Name another FILE, or move the existing one away.',
      })
    terminal.out(`${publicKeyText(publicKey)}\n`)
    if (terminal.errIsTty)
      terminal.err(
        `The private key is in ${path}: keep it away from devices. The line above goes into ota.public_keys.\n`,
      )
    return 0
  },
}
