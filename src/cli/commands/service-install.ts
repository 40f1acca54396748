// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { configFolderVariable } from '../../config/config-folder.ts'
import { type RootStep, rootSteps } from '../../manager/root/commands.ts'
import {
  defaultPlan,
  type Installation,
  initSystems,
  installService,
  isServiceRunning,
} from '../../manager/service/commands.ts'
import { ownExecutable } from '../../platform/process/own-executable.ts'
import { processEnvironment, userId } from '../../platform/process/process-facts.ts'
import type { Command, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'

export const command: Command = {
  name: 'service install',
  summary: 'Start the device manager at boot, under the init system of this device.',
  description:
    'Existing configuration and state are not changed. For an image of a device, name its folder with --root. The other flags take paths on the device.',
  flags: [
    { name: 'root', value: 'DIR', summary: 'Folder that holds the files of the device (default /).' },
    {
      name: 'init',
      value: 'NAME',
      summary: `Init system (default: detected): ${initSystems.join(', ')}.`,
    },
    { name: 'user', short: 'u', value: 'NAME', summary: 'User that runs the device manager (default root).' },
    {
      name: 'root-steps',
      value: 'LIST',
      summary: `With --user, the steps that root does for the manager: ${rootSteps.join(',')} (default all), or none.`,
    },
    {
      name: 'config-dir',
      short: 'c',
      value: 'DIR',
      summary: `Folder of the configuration (default ${configFolderVariable}, else ${defaultPlan.configDir}).`,
    },
    { name: 'state-dir', value: 'DIR', summary: `Folder of the state (default ${defaultPlan.stateDir}).` },
    { name: 'app-id', short: 'i', value: 'ID', summary: `Name of the application (default ${defaultPlan.appId}).` },
    {
      name: 'executable',
      value: 'PATH',
      summary: `Path of the executable (default this program; with --root ${defaultPlan.executable}).`,
    },
  ],
  async run(invocation, terminal) {
    const root = resolve(invocation.value('root') ?? '/')
    const asked = invocation.value('init')
    const init = initSystems.find(name => name === asked)
    if (asked !== undefined && init === undefined)
      throw usage(command, `--init ${JSON.stringify(asked)} is none of ${initSystems.join(', ')}`)
    const steps = stepsOf(invocation)
    if (root === '/' && userId() !== 0) throw new AgentError('NOT_SUPPORTED', needsRoot)
    const installed = await installService({
      root,
      rootSteps: steps,
      init,
      ...(root === '/' ? { isRunning: form => isServiceRunning(form, systemClock) } : {}),
      plan: {
        executable: executableOf(invocation, root),
        configDir: configDirOf(invocation, root),
        stateDir: invocation.value('state-dir') ?? defaultPlan.stateDir,
        user: invocation.value('user') ?? defaultPlan.user,
        appId: invocation.value('app-id') ?? defaultPlan.appId,
      },
    })
    terminal.out(`Installed for ${installed.init}:\n${installed.done.map(path => `  ${path}\n`).join('')}`)
    for (const note of installed.notes) terminal.out(`Note: ${note}.\n`)
    if (root === '/') terminal.out(whatNow(installed))
    return 0
  },
}

/** How to start or restart the service: the installation itself does neither. */
function whatNow({ startCommand, restartCommand, isChanged }: Installation): string {
  if (restartCommand === undefined) return `It starts at the next boot; to start it now: ${startCommand}\n`
  const why = isChanged
    ? 'It runs as it was installed before, and was not restarted'
    : 'Nothing was changed, and it runs'
  return `${why}; to restart it${isChanged ? ' as it is now' : ''}: ${restartCommand}\n`
}

/** With --root, the environment of this machine does not apply to the device of the image. */
function configDirOf(invocation: Invocation, root: string): string {
  const ofMachine = root === '/' ? processEnvironment()[configFolderVariable] : undefined
  return invocation.value('config-dir') ?? (ofMachine || defaultPlan.configDir)
}

function stepsOf(invocation: Invocation): readonly RootStep[] | undefined {
  const list = invocation.value('root-steps')
  if (list === undefined) return undefined
  if (invocation.value('user') === undefined) throw usage(command, '--root-steps goes with --user NAME')
  if (list === 'none') return []
  return list.split(',').map(name => {
    const step = rootSteps.find(one => one === name)
    if (step === undefined)
      throw usage(command, `--root-steps: ${JSON.stringify(name)} is none of ${rootSteps.join(', ')}`)
    return step
  })
}

const needsRoot =
  'service install writes into the init system of this device, which only root may do. Run it as root, or install into an image with --root DIR.'

function executableOf(invocation: Invocation, root: string): string {
  const named = invocation.value('executable')
  if (named !== undefined) return named
  if (root !== '/') return defaultPlan.executable
  const own = ownExecutable()
  // Without /proc, Node knows only the name that it was called by.
  if (own !== undefined && !isAbsolute(own))
    throw usage(
      command,
      `the path of ${own} is unknown, because /proc is not mounted; run "mount -t proc proc /proc" first, or name the executable with --executable PATH`,
    )
  if (own !== undefined) return own
  throw usage(
    command,
    'this program is a script, which a service cannot start by itself; name the executable with --executable PATH',
  )
}
