// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { AgentError } from '../../../src/base/errors.ts'
import { loadAttributesFile } from '../../../src/config/attributes-file.ts'
import { loadManagerConfig } from '../../../src/config/manager-config.ts'
import type { ConfigProblem } from '../../../src/config/settings.ts'
import { configFolder, pythonAgentFolder } from '../../helpers/config-folder.ts'

async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => assert.fail('the configuration was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof AgentError && error.code === 'CONFIG_INVALID')
  const problems = error.details.problems as readonly ConfigProblem[]
  return problems.map(({ line, key, problem }) => `${line} ${key} ${problem}`)
}

test('takes the iot.cfg of a Python agent as it is', async t => {
  const configDir = pythonAgentFolder(t)
  const { settings, warnings } = await loadManagerConfig({ configDir, environment: {} })
  assert.deepEqual(settings, {
    runtimeDir: join(configDir, 'runtime'),
    logLevel: 'warn',
    actionsEnabled: {
      shutdown_device: false,
      reboot_device: false,
      reset_agent: true,
      file_transfers: true,
      software_update: true,
      decommission_device: true,
      remote_login: true,
      restore_factory_images: true,
      dump_log_files: true,
    },
    waitForFileTransfer: true,
    downloadTimeoutS: 15,
    uploadRemoveOnSuccess: true,
    uploadTarFile: true,
    healthIntervalS: 0,
    discoverServicesOnInit: true,
    remoteAccessSupport: [
      { name: 'SSH', port: 22, sessionTimeoutS: 60, raw: { name: 'SSH', port: '22', session_timeout: '60' } },
      { name: 'Telnet', port: 23, raw: { name: 'Telnet', port: 23 } },
    ],
  })
  assert.deepEqual(
    warnings.map(note => `${note.level} ${note.key}`),
    ['debug upload_additional_dirs'],
  )
})

test('without iot.cfg the defaults hold, in the folder of the configuration', async t => {
  const configDir = configFolder(t, {})
  const { settings, warnings, effective } = await loadManagerConfig({ configDir, environment: {} })
  assert.equal(settings.runtimeDir, join(configDir, 'runtime'))
  assert.equal(effective.find(({ key }) => key === 'runtime_dir')?.value, join(configDir, 'runtime'))
  assert.equal(settings.actionsEnabled.file_transfers, true)
  assert.deepEqual(settings.remoteAccessSupport, [])
  assert.deepEqual(
    warnings.map(note => note.level),
    ['debug'],
  )
})

test('an action switch can come from the environment', async t => {
  const configDir = configFolder(t, { 'iot.cfg': { actions_enabled: { remote_login: true } } })
  const environment = { DEVICE_CLOUD_ACTIONS_ENABLED_REMOTE_LOGIN: 'off' }
  const { settings } = await loadManagerConfig({ configDir, environment })
  assert.equal(settings.actionsEnabled.remote_login, false)
})

test('the name "None" leaves the name of the thing alone, as the Python agent did', async t => {
  const configDir = configFolder(t, { 'iot.cfg': { thing_friendly_name: 'None' } })
  const { settings } = await loadManagerConfig({ configDir, environment: {} })
  assert.equal('thingFriendlyName' in settings, false)
})

test('every mistake of iot.cfg is told at once', async t => {
  const text = `{
    "runtime_dir": 5,
    "actions_enabled": { "remote_login": "sometimes" },
    "download_timeout": "soon",
    "remote_access_support": [
      { "name": "SSH", "port": "ssh" },
      { "name": "VNC" },
      "Telnet",
      { "name": "Shell", "port": 23, "command": "sh -c 'telnetd -i'" },
      { "name": "Words", "port": 24, "command": ["telnetd", 5] },
      { "name": "User", "port": 25, "user": "nobody" }
    ]
  }`
  const configDir = configFolder(t, { 'iot.cfg': text })
  assert.deepEqual(await problemsOf(loadManagerConfig({ configDir, environment: {} })), [
    '2 runtime_dir is 5',
    '4 download_timeout is "soon"',
    '3 actions_enabled.remote_login is "sometimes"',
    '6 remote_access_support.0.port is "ssh"',
    '7 remote_access_support.1.port is missing',
    '8 remote_access_support.2 is not an object',
    '9 remote_access_support.3.command is not a command',
    '10 remote_access_support.4.command is not a command',
    '11 remote_access_support.5.user has no command beside it',
  ])
})

test('a service of remote access may have a command, as words or as a text of words, and a user', async t => {
  const services = [
    { name: 'Telnet', port: '23', command: ' /usr/sbin/telnetd  -i ' },
    { name: 'Console', port: 24, command: ['/usr/bin/login', 'with space', ''], user: 'guest' },
  ]
  const configDir = configFolder(t, { 'iot.cfg': { remote_access_support: services } })
  const { settings } = await loadManagerConfig({ configDir, environment: {} })
  assert.deepEqual(settings.remoteAccessSupport, [
    { name: 'Telnet', port: 23, command: ['/usr/sbin/telnetd', '-i'], raw: services[0] },
    { name: 'Console', port: 24, command: ['/usr/bin/login', 'with space', ''], user: 'guest', raw: services[1] },
  ])
})

test('reads the attributes of a Python agent as texts', async t => {
  const { attributes, warnings } = await loadAttributesFile({ configDir: pythonAgentFolder(t) })
  assert.deepEqual(attributes, [
    { name: 'site', text: 'Hall 3' },
    { name: 'line', text: '4' },
    { name: 'hdc_version', text: '2.6.1' },
  ])
  assert.deepEqual(warnings, [])
})

test('a number of attributes.cfg is published as it stands there', async t => {
  const text = '{ "publish_attribute": { "iccid": 89014103211118510720, "version": 1.10, "big": 1e400, "n": 4 } }'
  const { attributes } = await loadAttributesFile({ configDir: configFolder(t, { 'attributes.cfg': text }) })
  assert.deepEqual(attributes, [
    { name: 'iccid', text: '89014103211118510720' },
    { name: 'version', text: '1.10' },
    { name: 'big', text: '1e400' },
    { name: 'n', text: '4' },
  ])
})

test('attributes: none without a file, a wrong one is told with its line', async t => {
  assert.deepEqual((await loadAttributesFile({ configDir: configFolder(t, {}) })).attributes, [])
  const text = '{ "publish_attribute": {\n "a": "x",\n "b": ["y"], "c d": "z" } }'
  const work = loadAttributesFile({ configDir: configFolder(t, { 'attributes.cfg': text }) })
  assert.deepEqual(await problemsOf(work), ['3 publish_attribute.b is not a text'])
})
