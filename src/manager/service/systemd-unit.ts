import { type ServicePlan, serviceEnvironment } from './service-plan.ts'

export const systemdUnitPath = '/etc/systemd/system/device-cloud.service'

/**
 * The unit for systemd. `Type=exec`: to say "ready" takes a datagram socket, which Node has not; the manager makes itself
 * known to the cloud, and `keep_alive` ends one that lost its link.
 */
export function systemdUnit(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  const environment = serviceEnvironment(plan).map(([name, value]) => `Environment=${name}=${value}`)
  return `# What you change, change with "systemctl edit device-cloud": an update of the service writes this file anew.
[Unit]
Description=Device manager of device-cloud
Documentation=file:///usr/share/device-cloud/install.md
Wants=network-online.target
After=network-online.target nss-lookup.target time-sync.target
RequiresMountsFor=${configDir} ${stateDir}
# Never gives up.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${executable} manager -c ${configDir} -i ${appId}
ExecReload=/bin/kill -HUP $MAINPID
${environment.join('\n')}
Restart=on-failure
RestartSec=2
# Later each time; systemd before 254 stays at RestartSec.
RestartSteps=8
RestartMaxDelaySec=300
TimeoutStopSec=30
KillMode=mixed
UMask=0022
${stateLines(plan)}
# Hardening that a device manager can live with.
LockPersonality=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
${user === 'root' ? asRoot : asUser(plan)}
[Install]
WantedBy=multi-user.target
`
}

/** systemd makes and owns folders below /var/lib itself. */
function stateLines({ stateDir }: ServicePlan): string {
  const below = /^\/var\/lib\/(.+)$/.exec(stateDir)?.[1]
  return below === undefined ? '' : `StateDirectory=${below}\nStateDirectoryMode=0750\n`
}

const asRoot = `# Root may reboot, update the system and move any file that file_transfer.allow permits; a named user (--user) is held tighter.
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
RestrictSUIDSGID=yes
`
}
