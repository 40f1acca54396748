// SPDX-License-Identifier: Apache-2.0
import { rootStepExitCode } from '../../platform/process/exit-codes.ts'
import { requestFileName, rootSideVariable } from '../root/index.ts'
import { cleanUnit, serviceUmask } from './clean-start.ts'
import { type ServicePlan, serviceEnvironment } from './service-plan.ts'

export const systemdUnitPath = '/etc/systemd/system/device-cloud.service'

/**
 * The unit for systemd. It waits for neither the network nor the time: the manager copes without them, takes samples from the
 * first moment on, and a target that is never reached would keep it from starting at all. An older version warns of
 * names that it does not know, and ignores them.
 */
export function systemdUnit(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  const environment = serviceEnvironment(plan).map(([name, value]) => `Environment=${name}=${value}`)
  return `# What you change, change with "systemctl edit device-cloud": an update of the service writes this file anew.
[Unit]
Description=Device manager of device-cloud
Documentation=file:///usr/share/device-cloud/install.md
After=network.target nss-lookup.target
RequiresMountsFor=${configDir} ${stateDir}
# Never gives up.
StartLimitIntervalSec=0

[Service]
${plan.notifies ? notifying : mute}
${plan.asksRoot ? rootPart(plan) : ''}ExecStart=${executable} manager -c ${configDir} -i ${appId}
ExecReload=/bin/kill -HUP $MAINPID
${environment.join('\n')}
# Taken away last, also what a drop-in sets: one that needs such a variable begins with an empty UnsetEnvironment=.
${cleanUnit}
Restart=on-failure
RestartSec=2
# Later each time; systemd before 254 stays at RestartSec.
RestartSteps=8
RestartMaxDelaySec=300
# Counts as a clean end otherwise: a reload that comes before the manager listens.
RestartForceExitStatus=SIGHUP${plan.asksRoot ? ` ${rootStepExitCode}\nSuccessExitStatus=${rootStepExitCode}` : ''}
TimeoutStopSec=30
# The scripts of an update live on: they may stop, replace or restart the manager.
KillMode=process
# One of them that runs out of memory takes nothing else with it.
OOMPolicy=continue
UMask=0${serviceUmask}
# A dump would hold the token.
LimitCORE=0
${stateLines(plan)}${user === 'root' ? asRoot : asUser(plan)}
[Install]
WantedBy=multi-user.target
`
}

const notifying = `# Ready when the manager runs, whether it has reached the cloud or not.
Type=notify
# The manager speaks through the program systemd-notify.
NotifyAccess=all
TimeoutStartSec=600
# A sign of life comes every 150 s, as long as the manager gets on.
WatchdogSec=300
# At once, also when it is stopped, and without a core dump on flash.
WatchdogSignal=SIGKILL`

const mute = `# There is no systemd-notify that would surely be heard here: no watchdog. A manager that stands still ends by itself.
Type=exec`

/**
 * A short run as root does the manager's requests, and only when there are any: reboot and shutdown when the manager has ended, an
 * installation before it is started again, because that may take longer than a stop may.
 */
function rootPart({ executable, stateDir, requestDir = stateDir, workDir, notifies }: ServicePlan): string {
  const request = `${requestDir}/${requestFileName}`
  const nothing = `[ ! -e ${request} ] && [ ! -e ${workDir}/results/pending.json ]`
  // A script of an update may restart the service, and wait for its start; without systemd-notify no more time can be asked for.
  return `Environment=${rootSideVariable}=1
${notifies ? '' : 'TimeoutStartSec=infinity\n'}ExecStartPre=-+/bin/sh -c '${nothing} || exec ${executable} root-step --patience 20'
ExecStopPost=-+/bin/sh -c '[ ! -e ${request} ] || exec ${executable} root-step --power-only'
`
}

/** systemd makes and owns folders below /var/lib itself. */
function stateLines({ stateDir }: ServicePlan): string {
  const below = /^\/var\/lib\/(.+)$/.exec(stateDir)?.[1]
  return below === undefined ? '' : `StateDirectory=${below}\nStateDirectoryMode=0750\n`
}

/** No sandboxing: each restriction of the manager would hold for the scripts of an update and the consoles as well. */
const asRoot = `# Not held: what the cloud asks of root needs all of the machine, such as kernel modules, mounts, sysctl, dmesg, CAN.
# No NoNewPrivileges either: sudo and su in the scripts of an update and on a console would fail.
# A named user (--user) is held tight.
`

function asUser({ user, configDir, stateDir }: ServicePlan): string {
  return `User=${user}
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=-${configDir} -${stateDir}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
`
}
