import { type ServicePlan, serviceEnvironment } from './service-plan.ts'

/** The script for OpenRC, whose supervise-daemon restarts the manager. It knows no growing pauses. */
export function openrcScript(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  const environment = serviceEnvironment(plan).map(([name, value]) => `--env ${name}=${value}`)
  return `#!/sbin/openrc-run
# What you change, change in /etc/conf.d/device-cloud: an update of the service writes this file anew.

description="Device manager of device-cloud"
extra_started_commands="reload"

supervisor=supervise-daemon
: "\${command:=${executable}}"
: "\${command_args:=manager -c ${configDir} -i ${appId} -s}"
: "\${command_user:=${user}}"
pidfile=/run/device-cloud.pid
respawn_delay=10
# Never gives up.
respawn_max=0
retry="TERM/30/KILL/5"
supervise_daemon_args="${environment.join(' ')} \${supervise_daemon_args}"

depend() {
  need localmount
  use net dns logger
  after bootmisc firewall ntp-client
}

start_pre() {
  checkpath --directory --mode 0750 --owner "$command_user" ${stateDir}
}

reload() {
  ebegin "Reloading $RC_SVCNAME"
  supervise-daemon "$RC_SVCNAME" --signal HUP
  eend $?
}
`
}
