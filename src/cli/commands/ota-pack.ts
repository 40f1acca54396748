// SPDX-License-Identifier: Apache-2.0
import { basename, resolve } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { UpdateManifest } from '../../manager/ota/commands.ts'
import { numberFlags, operand } from '../shell/args.ts'
import type { Command, Flag, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'

const maxKeyBytes = 16 * 1024

const releaseFlag: Flag = {
  name: 'release',
  value: 'NUMBER',
  summary: 'Whole number that increases with each package of the same name.',
}

export const command: Command = {
  name: 'ota pack',
  summary: 'Make an update package from a folder, and sign it.',
  description:
    'DIR has an update.json. The package is a .tar.gz with the SHA-256 sums of all files; DIR is not changed. ' +
    'Without --key the package is not signed. The flags override update.json.',
  operands: [{ name: 'DIR' }],
  flags: [
    {
      name: 'key',
      short: 'k',
      value: 'FILE',
      several: true,
      summary: 'Private key of "ota keygen". Given several times, each key signs.',
    },
    { name: 'out', short: 'o', value: 'FILE', summary: 'The package (default: the name of DIR with .tar.gz, here).' },
    releaseFlag,
    {
      name: 'expires',
      value: 'TIME',
      summary: 'Time from which no device accepts the package, as 2030-01-31T12:00:00Z.',
    },
    { name: 'device', value: 'ID', several: true, summary: 'Only devices with these ids accept the package.' },
    {
      name: 'revoke',
      value: 'KEY',
      several: true,
      summary: 'Public key that devices no longer accept once the package is installed.',
    },
  ],
  async run(invocation, terminal) {
    const folder = resolve(operand(invocation, 0))
    const output = resolve(invocation.value('out') ?? `${basename(folder)}.tar.gz`)
    if (!output.endsWith('.tar.gz')) throw usage(command, 'the name of the package must end in .tar.gz')
    const { fileFacts } = await import('../../platform/files/file-facts.ts')
    if ((await fileFacts(folder))?.kind !== 'folder')
      throw new AgentError('FILE_NOT_FOUND', `There is no folder ${folder}.`, {
        details: { path: folder },
        remedy: 'Check its path.',
      })
    if ((await fileFacts(output, { followLinks: false })) !== undefined)
      throw new AgentError('INVALID_ARGUMENT', `${output} exists already.`, {
        details: { path: output },
        remedy: 'Remove it, or name another file with --out.',
      })
    const { readBoundedText } = await import('../../platform/files/read-file.ts')
    const { packFolder, parsePrivateKey } = await import('../../manager/ota/commands.ts')
    const keys = []
    for (const path of invocation.values('key')) keys.push(parsePrivateKey(await readBoundedText(path, maxKeyBytes)))
    const { files, bytes, manifest } = await packFolder(folder, output, keys, additionsOf(invocation))
    const signed =
      keys.length === 0 ? 'not signed' : `signed with ${keys.length === 1 ? 'one key' : `${keys.length} keys`}`
    terminal.out(`${output}: ${files} files, ${bytes} bytes, ${signed}\n`)
    const missing = keys.length === 0 ? [] : missingIn(manifest)
    if (missing.length > 0)
      terminal.err(`Devices with ota.require_signature refuse it: update.json has no ${missing.join(' and no ')}.\n`)
    return 0
  },
}

function additionsOf(invocation: Invocation) {
  const expires = invocation.value('expires')
  const [devices, revokes] = [invocation.values('device'), invocation.values('revoke')]
  return {
    ...numberFlags('ota pack', invocation, [releaseFlag]),
    ...(expires === undefined ? {} : { expires }),
    ...(devices.length === 0 ? {} : { devices }),
    ...(revokes.length === 0 ? {} : { revokes }),
  }
}

function missingIn({ name, release }: UpdateManifest): readonly string[] {
  return [...(name === undefined ? ['"name"'] : []), ...(release === undefined ? ['"release"'] : [])]
}
