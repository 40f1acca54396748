// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { loadManagerConfig } from '../../config/manager-config.ts'
import type { CheckedPackage, PackageRules } from '../../manager/ota/commands.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { configDirFlag, configDirOf, configFileFlag } from '../config/config-flags.ts'
import { operand } from '../shell/args.ts'
import type { Command, Invocation } from '../shell/command.ts'

export const command: Command = {
  name: 'ota verify',
  summary: 'Check an update package: its content, sums, signature and expiry.',
  description:
    'Unpacks and runs nothing. Uses the keys of ota.public_keys of the connection file, without those that signed packages have ' +
    'revoked on this device, or the keys given here. Shows names, releases and devices, but does not compare them with ' +
    'this device.',
  operands: [{ name: 'PACKAGE' }],
  flags: [
    { name: 'public-key', short: 'p', value: 'KEY', several: true, summary: 'Public key, as "ota keygen" prints it.' },
    { name: 'require-signature', summary: 'Fail unless one of the keys has signed the whole package.' },
    configFileFlag,
    configDirFlag,
  ],
  async run(invocation, terminal) {
    const path = resolve(operand(invocation, 0))
    const { owner, revoked } = await rulesOf(invocation)
    const { checkPackage, scanPackage } = await import('../../manager/ota/commands.ts')
    const scanned = await scanPackage(path, new AbortController().signal)
    const checked = checkPackage(scanned, owner, revoked)
    const { manifest, rules } = checked
    const { name = '(no name)', version = '(no version)', release } = manifest
    const nowMs = systemClock.now()
    const lines = [
      `package    ${name} ${version}${release === undefined ? '' : `, release ${release}`}`,
      `content    ${scanned.size.files} files, ${scanned.size.bytes} bytes`,
      `sums       ${rules.files === undefined ? 'none in update.json' : 'valid'}`,
      `signature  ${signatureLine(checked)}`,
      `expires    ${expiryLine(rules.expiresMs, nowMs)}`,
      `devices    ${devicesLine(rules.devices)}`,
      ...(rules.revokes.length === 0 ? [] : [`revokes    ${rules.revokes.join(', ')}`]),
      ...(revoked.length === 0 ? [] : [`revoked    ${revoked.join(', ')} (on this device)`]),
      `reboot     ${manifest.reboot ? 'yes' : 'no'}`,
    ]
    terminal.out(`${lines.join('\n')}\n`)
    if (rules.expiresMs !== undefined && rules.expiresMs <= nowMs)
      throw new AgentError('POLICY_REFUSED', 'The package has expired: no device with a correct clock accepts it.')
    return 0
  },
}

function signatureLine({ signers, covers, unchecked }: CheckedPackage): string {
  if (signers.length === 0)
    return unchecked ? 'not checked: no public key is known; give one with --public-key' : 'none'
  const keys = `${signers.length === 1 ? 'key' : 'keys'} ${signers.join(', ')}`
  if (covers === 'all') return `valid, ${keys}, second form: the whole package`
  return `valid, ${keys}, first form: update.json and the content of files; a device that requires signatures refuses it`
}

function expiryLine(expiresMs: number | undefined, nowMs: number): string {
  if (expiresMs === undefined) return 'never'
  return `${new Date(expiresMs).toISOString()}${expiresMs <= nowMs ? ', in the past' : ''}`
}

function devicesLine(devices: readonly string[] | undefined): string {
  if (devices === undefined) return 'all'
  const shown = devices.slice(0, 5).join(', ')
  return devices.length > 5 ? `${shown} and ${devices.length - 5} more` : shown
}

async function rulesOf(invocation: Invocation): Promise<{ owner: PackageRules; revoked: readonly string[] }> {
  const given = invocation.values('public-key')
  const requireSignature = invocation.has('require-signature')
  if (given.length > 0) return { owner: { publicKeys: given, requireSignature }, revoked: [] }
  const { otaRules } = await import('../config/ota-rules.ts')
  const { rules, isGiven, config } = await otaRules(invocation)
  // Without --config-dir this may be a machine that makes packages, which has no keys of devices.
  if (!isGiven && invocation.value(configDirFlag.name) !== undefined)
    throw new AgentError(
      'CONFIG_INVALID',
      `There is no connection file ${config.path} with the keys to check the package.`,
      {
        remedy: 'Name the folder of the configuration with -c, or a key with --public-key.',
      },
    )
  const owner = { ...rules, requireSignature: requireSignature || rules.requireSignature }
  return { owner, revoked: await revokedKeys(configDirOf(invocation)) }
}

/** The keys that signed packages have revoked on this device. */
async function revokedKeys(configDir: string): Promise<readonly string[]> {
  const { SignedMemory, updatePlaces } = await import('../../manager/ota/commands.ts')
  const { settings } = await loadManagerConfig({ configDir, environment: processEnvironment() })
  return (await new SignedMemory(updatePlaces(settings.runtimeDir).signed).read()).revoked
}
