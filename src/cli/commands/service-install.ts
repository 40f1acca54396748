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
import { ownExecutable } from '../../platform/owners/owners.ts'
import { processEnvironment, userId } from '../../platform/process/process-facts.ts'
import type { Command, Invocation } from '../shell/command.ts'
import { usage } from '../shell/flags.ts'

export const command: Command = {
  name: 'service install',
  summary: 'Start the device manager at boot, under the init system of this device.',
  description:
    'Configuration and state that are there stay as they are. For an image of a device, name its folder with --root: the paths of the other flags are those on the device.',
  flags: [
    { name: 'root', value: 'DIR', summary: 'Folder that holds the files of the device (default /).' },
    {
      name: 'init',
      value: 'NAME',
      summary: `Init system, when it is not to be looked for: ${initSystems.join(', ')}.`,
    },
    { name: 'user', short: 'u', value: 'NAME', summary: 'User that runs the manager (default root).' },
    {
      name: 'root-steps',
      value: 'LIST',
      summary: `With --user, what root does for the manager: ${rootSteps.join(',')} (default all), or none.`,
    },
    {
      name: 'config-dir',
      short: 'c',
      value: 'DIR',
      summary: `Folder of the configuration (default that of ${configFolderVariable}, else ${defaultPlan.configDir}).`,
    },
    { name: 'state-dir', value: 'DIR', summary: `Folder of the state (default ${defaultPlan.stateDir}).` },
    { name: 'app-id', short: 'i', value: 'ID', summary: `Name of the application (default ${defaultPlan.appId}).` },
    {
      name: 'executable',
      value: 'PATH',
      summary: `Place of the executable (default this program; with --root ${defaultPlan.executable}).`,
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
      ...(steps === undefined ? {} : { rootSteps: steps }),
      ...(init === undefined ? {} : { init }),
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

/** An installation starts and stops nothing. */
function whatNow({ startCommand, restartCommand, isChanged }: Installation): string {
  if (restartCommand === undefined) return `It starts at the next boot; to start it now: ${startCommand}\n`
  const why = isChanged
    ? 'It runs as it was installed before, and was not restarted'
    : 'Nothing was changed, and it runs'
  return `${why}; to restart it${isChanged ? ' as it is now' : ''}: ${restartCommand}\n`
}

/** What this machine calls its folder says nothing of the device that an image is for. */
function configDirOf(invocation: Invocation, root: string): string {
  const ofMachine = root === '/' ? processEnvironment()[configFolderVariable] : undefined
  return invocation.value('config-dir') ?? (ofMachine || defaultPlan.configDir)
}

function stepsOf(invocation: Invocation): readonly RootStep[] | undefined {
  const list = invocation.value('root-steps')
  if (list === undefined) return undefined
  if (invocation.value('user') === undefined) throw usage(command, '--root-steps goes with --user NAME')
  if (list === 'none') return []
  return list.split(',').map(word => {
    const step = rootSteps.find(one => one === word)
    if (step === undefined)
      throw usage(command, `--root-steps: ${JSON.stringify(word)} is none of ${rootSteps.join(', ')}`)
    return step
  })
}

const needsRoot =
  'service install writes into the init system of this device, and needs root: run it as root, or into an image with --root DIR'

function executableOf(invocation: Invocation, root: string): string {
  const named = invocation.value('executable')
  if (named !== undefined) return named
  if (root !== '/') return defaultPlan.executable
  const own = ownExecutable()
  // Without /proc, Node knows only by which word it was called.
  if (own !== undefined && !isAbsolute(own))
    throw usage(
      command,
      `where ${own} lies cannot be seen, because /proc is not mounted; run "mount -t proc proc /proc" first, or name the executable with --executable PATH`,
    )
  if (own !== undefined) return own
  throw usage(
    command,
    'this program is a script, which a service cannot start by itself; name the executable with --executable PATH',
  )
}
