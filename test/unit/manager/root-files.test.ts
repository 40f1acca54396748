// SPDX-License-Identifier: Apache-2.0
/** What a manager that is not root may write for root, and what root is told by its owner. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { AgentError, type ErrorCode } from '../../../src/base/errors.ts'
import { publicKeyText } from '../../../src/manager/ota/package/signature.ts'
import { parseRootConfig, type RootConfig, rootConfigText } from '../../../src/manager/root/root-config.ts'
import { parseRootRequest, type RootRequest, requestText } from '../../../src/manager/root/root-request.ts'

const sha256 = 'a'.repeat(64)
const install: RootRequest = { id: '5', step: 'install', package: 'p.tar.gz', sha256, extraParams: '' }
const reboot: RootRequest = { id: '6', step: 'reboot', bootId: 'b1' }

function refusal(code: ErrorCode, words: RegExp) {
  return (error: unknown) => error instanceof AgentError && error.code === code && words.test(error.message)
}

test('a request is read as it was written', () => {
  for (const request of [install, reboot, { ...reboot, step: 'shutdown' } as const])
    assert.deepEqual(parseRootRequest(requestText(request)), request)
})

const asJson = (request: RootRequest, more: object) =>
  JSON.stringify({ ...(JSON.parse(requestText(request)) as object), ...more })

const forged: readonly [what: string, text: string, words: RegExp][] = [
  ['no JSON', 'reboot', /no JSON object/],
  ['a list', '[]', /no JSON object/],
  ['depth without end', '['.repeat(16_000), /no JSON object/],
  ['another version', asJson(reboot, { version: 2 }), /"version" must be 1/],
  ['an unknown step', asJson(reboot, { step: 'run' }), /"step" must be one of/],
  ['a step of the prototype', asJson(reboot, { step: 'constructor' }), /"step" must be one of/],
  ['a command', asJson(reboot, { command: 'id' }), /"command" is no key/],
  ['an argument of another step', asJson(reboot, { package: 'p.zip' }), /"package" is no key/],
  ['no id', asJson(reboot, { id: '' }), /"id" is empty/],
  ['an id that is no text', asJson(reboot, { id: 7 }), /"id" must be a text/],
  ['an id without end', asJson(reboot, { id: 'x'.repeat(300) }), /"id" is longer/],
  ['an id that breaks a line of the log', asJson(reboot, { id: 'a\nb' }), /control character/],
  ['no run of the system', asJson(reboot, { boot_id: undefined }), /"boot_id" must be a text/],
  ['a way out of the folder', asJson(install, { package: '../p.zip' }), /plain name.*"\/"/],
  ['an absolute path', asJson(install, { package: '/etc/p.zip' }), /plain name/],
  ['the folder itself', asJson(install, { package: '..' }), /plain name/],
  ['no sum', asJson(install, { sha256: undefined }), /"sha256" must be a text/],
  ['a sum that is none', asJson(install, { sha256: `${'a'.repeat(63)}g` }), /64 hexadecimal digits/],
  ['parameters without end', asJson(install, { extra_params: 'x'.repeat(5000) }), /"extra_params" is longer/],
]
for (const [what, text, words] of forged)
  test(`a request with ${what} is none`, () => {
    assert.throws(() => parseRootRequest(text), refusal('POLICY_REFUSED', words))
  })

const key = publicKeyText(generateKeyPairSync('ed25519').publicKey)
const config: RootConfig = {
  user: 'cloud',
  stateDir: '/var/lib/device-cloud',
  workDir: '/var/lib/device-cloud-root',
  steps: ['reboot', 'shutdown', 'install'],
  publicKeys: [key],
  names: [],
  extraParams: false,
}

test('the file for root is read as it was written', () => {
  assert.deepEqual(parseRootConfig(rootConfigText(config)), config)
  const named = { ...config, names: ['app'], deviceId: 'device-1' }
  assert.deepEqual(parseRootConfig(rootConfigText(named)), named)
  const none = { ...config, steps: [], publicKeys: [] }
  assert.deepEqual(parseRootConfig(rootConfigText(none)), none)
})

const changed = (more: object) => JSON.stringify({ ...(JSON.parse(rootConfigText(config)) as object), ...more })
const mistakes: readonly [what: string, text: string, words: RegExp][] = [
  ['no JSON', 'steps = reboot', /no JSON object/],
  ['an unknown key', changed({ require_signature: false }), /"require_signature" is unknown; the keys are user/],
  ['root as its user', changed({ user: 'root' }), /"user" must name a user other than root/],
  ['a relative folder', changed({ work_dir: 'work' }), /"work_dir" must be an absolute path/],
  ['a folder with ".."', changed({ state_dir: '/var/../etc' }), /"state_dir" must be an absolute path/],
  ['an unknown step', changed({ steps: ['reboot', 'run'] }), /"steps" must be a list of reboot, shutdown, install/],
  ['null for its steps', changed({ steps: null }), /"steps" must be a list/],
  ['a text for its steps', changed({ steps: '' }), /"steps" must be a list/],
  ['a key that is none', changed({ public_keys: ['ed25519:AAAA'] }), /"public_keys": /],
  ['installations without a key', changed({ public_keys: [] }), /names no key/],
  ['null for its keys', changed({ public_keys: null }), /"public_keys" must be a list/],
  ['a text for its names', changed({ names: 'app' }), /"names" must be a list/],
  ['null for its names', changed({ names: null }), /"names" must be a list/],
  ['an empty device', changed({ device_id: '' }), /"device_id" must be a text/],
  ['another kind of switch', changed({ extra_params: 'yes' }), /"extra_params" must be true or false/],
]
for (const [what, text, words] of mistakes)
  test(`a file for root with ${what} closes all of it, and says how`, () => {
    assert.throws(() => parseRootConfig(text), refusal('CONFIG_INVALID', words))
    assert.throws(() => parseRootConfig(text), /Until that is corrected, root does nothing/)
  })
