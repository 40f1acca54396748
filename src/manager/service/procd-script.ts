// SPDX-License-Identifier: Apache-2.0
import { cleanShell, serviceUmask } from './clean-start.ts'
import { type ServicePlan, serviceEnvironment } from './service-plan.ts'
import { requestPlaces, supervisorLoop } from './supervisor-loop.ts'
import { sysvScriptPath } from './sysv-script.ts'

/** The script for procd (OpenWrt), which restarts the manager after any exit code. It has no growing pauses. */
export function procdScript(plan: ServicePlan): string {
  const { user, stateDir } = plan
  const named = user !== 'root'
  const environment = serviceEnvironment(plan).map(([name, value]) => `${name}=${value}`)
  return `#!/bin/sh /etc/rc.common

USE_PROCD=1
START=90
STOP=10
${named ? `\n${loopSettings(plan)}` : ''}
start_service() {
${named ? '  make_folders || return 1' : `  [ -d ${stateDir} ] || mkdir -p -m 750 ${stateDir}\n  chown -h ${user} ${stateDir}`}
  procd_open_instance
  # By this file: procd itself knows no umask, and takes nothing out of the environment.
  procd_set_param command /bin/sh ${sysvScriptPath} ${named ? 'supervise' : 'run'}
${named ? '' : `  procd_set_param env ${environment.join(' ')}\n`}  # Again after 10 s, and never give up.
  procd_set_param respawn 60 10 0
  procd_set_param term_timeout 30
  procd_set_param stdout 1
  procd_set_param stderr 1
  procd_close_instance
}

reload_service() {
  procd_send_signal device-cloud '*' HUP
}

${named ? `${supervisorLoop(plan, '$STATE')}\n[ "\${1-}" != supervise ] || supervise\n` : runs(plan)}`
}

/** logd gets the output of the manager anyway; the flag for syslog would log it twice. */
function runs({ executable, configDir, appId }: ServicePlan): string {
  return `# Becomes the manager.
run() {
  ${cleanShell.replaceAll('\n', '\n  ')}
  umask ${serviceUmask} && ulimit -c 0
  exec ${executable} manager -c ${configDir} -i ${appId}
}

[ "\${1-}" != run ] || run
`
}

function loopSettings(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  return `${cleanShell}

EXE=${executable}
CONFIG=${configDir}
STATE=${stateDir}
RUN_AS=${user}
ARGS="-i ${appId} -s"
${requestPlaces(plan, '$STATE')}
RUN=/var/run/device-cloud
PIDFILE=
LONGEST_STOP=25
LONGEST_PAUSE=300
`
}
