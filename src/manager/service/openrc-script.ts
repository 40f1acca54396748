// SPDX-License-Identifier: Apache-2.0
import { cleanShell, serviceUmask } from './clean-start.ts'
import { type ServicePlan, serviceEnvironment } from './service-plan.ts'
import { requestPlaces, supervisorLoop } from './supervisor-loop.ts'
import { sysvScriptPath } from './sysv-script.ts'

/** The script for OpenRC, whose supervise-daemon restarts the manager. It has no growing pauses. */
export function openrcScript(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  const environment = serviceEnvironment(plan).map(([name, value]) => `--env ${name}=${value}`)
  const named = user !== 'root'
  return `#!/sbin/openrc-run
# What you change, change in /etc/conf.d/device-cloud: an update of the service writes this file anew.

${cleanShell}
[ ! -r /etc/conf.d/device-cloud ] || . /etc/conf.d/device-cloud

description="Device manager of device-cloud"
extra_started_commands="reload"

supervisor=supervise-daemon
${named ? byLoop(plan) : direct(executable, configDir, appId)}pidfile=/run/device-cloud.pid
respawn_delay=10
# Never gives up.
respawn_max=0
retry="TERM/30/KILL/5"
ulimit -c 0
supervise_daemon_args="--umask ${serviceUmask} ${named ? '' : `${environment.join(' ')} `}\${supervise_daemon_args}"

depend() {
  need localmount
  use net dns logger
  after bootmisc firewall ntp-client
}

start_pre() {
${named ? '  make_folders' : `  checkpath --directory --mode 0750 --owner "$command_user" ${stateDir}`}
}

reload() {
  ebegin "Reloading $RC_SVCNAME"
  supervise-daemon "$RC_SVCNAME" --signal HUP
  eend $?
}
${named ? `\n${supervisorLoop(plan, '$STATE')}\n[ "\${1-}" != supervise ] || supervise\n` : ''}`
}

function direct(executable: string, configDir: string, appId: string): string {
  return `: "\${command:=${executable}}"
: "\${command_args:=manager -c ${configDir} -i ${appId} -s}"
: "\${command_user:=root}"
`
}

/** For a manager that is not root: root does its requests between two runs, for which supervise-daemon has no hook. */
function byLoop(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  return `command=/bin/sh
command_args="${sysvScriptPath} supervise"
: "\${EXE:=${executable}}"
: "\${CONFIG:=${configDir}}"
: "\${STATE:=${stateDir}}"
: "\${RUN_AS:=${user}}"
: "\${ARGS:=-i ${appId} -s}"
${requestPlaces(plan, '$STATE')}
RUN=/run/device-cloud
PIDFILE=
LONGEST_STOP=25
LONGEST_PAUSE=300
`
}
