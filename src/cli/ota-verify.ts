import { resolve } from 'node:path'
import { AgentError } from '../base/errors.ts'
import type { Command, Invocation } from './command.ts'
import { configDirFlag, configFileFlag } from './config-flags.ts'
import { operand } from './words.ts'

export const command: Command = {
  name: 'ota verify',
  summary: 'Check an update package: its content, sums and signature.',
  description:
    'Nothing is unpacked and nothing is run. The keys are those of ota.public_keys of the connection file, or those that are given here.',
  operands: [{ name: 'PACKAGE' }],
  flags: [
    { name: 'public-key', short: 'p', value: 'KEY', several: true, summary: 'Public key, as "ota keygen" prints it.' },
    { name: 'require-signature', summary: 'Fail when none of the keys has signed it.' },
    configFileFlag,
    configDirFlag,
  ],
  async run(invocation, terminal) {
    const path = resolve(operand(invocation, 0))
    const owner = await rulesOf(invocation)
    const { scanPackage } = await import('../manager/ota/read-package.ts')
    const { checkPackage } = await import('../manager/ota/check-package.ts')
    const scanned = await scanPackage(path, new AbortController().signal)
    const { manifest, rules, signedBy, unchecked } = checkPackage(scanned, owner)
    const { name = '(no name)', version = '(no version)', release } = manifest
    const lines = [
      `package    ${name} ${version}${release === undefined ? '' : `, release ${release}`}`,
      `content    ${scanned.size.files} files, ${scanned.size.bytes} bytes`,
      `sums       ${rules.files === undefined ? 'none in update.json' : 'right'}`,
      `signature  ${signedBy === undefined ? (unchecked ? 'not checked: no public key is known' : 'none') : `right, key ${signedBy}`}`,
      `reboot     ${manifest.reboot ? 'yes' : 'no'}`,
    ]
    terminal.out(`${lines.join('\n')}\n`)
    return 0
  },
}

async function rulesOf(invocation: Invocation) {
  const given = invocation.values('public-key')
  const requireSignature = invocation.has('require-signature')
  if (given.length > 0) return { publicKeys: given, requireSignature }
  const { otaRules } = await import('./ota-settings.ts')
  const { rules, isSaid, config } = await otaRules(invocation)
  // Without a folder that was named it may be the machine that makes packages, which has no keys of devices.
  if (!isSaid && invocation.value(configDirFlag.name) !== undefined)
    throw new AgentError('CONFIG_INVALID', `There is no connection file ${config.path} with the keys to check it with.`)
  const { publicKeys, requireSignature: required } = rules
  return { publicKeys, requireSignature: requireSignature || required }
}
