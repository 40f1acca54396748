import { type ServicePlan, serviceEnvironment } from './service-plan.ts'

/** The script for procd (OpenWrt), which restarts the manager whatever it ends with. It knows no growing pauses. */
export function procdScript(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  const environment = serviceEnvironment(plan).map(([name, value]) => `${name}=${value}`)
  // logd gets what the manager says by itself; the flag for syslog would say it twice.
  return `#!/bin/sh /etc/rc.common

USE_PROCD=1
START=90
STOP=10

start_service() {
  [ -d ${stateDir} ] || mkdir -p -m 750 ${stateDir}
  chown ${user} ${stateDir}
  procd_open_instance
  procd_set_param command ${executable} manager -c ${configDir} -i ${appId}
  procd_set_param env ${environment.join(' ')}
${user === 'root' ? '' : `  procd_set_param user ${user}\n`}  # Again after 10 s, and never give up.
  procd_set_param respawn 60 10 0
  procd_set_param term_timeout 30
  procd_set_param stdout 1
  procd_set_param stderr 1
  procd_close_instance
}

reload_service() {
  procd_send_signal device-cloud '*' HUP
}
`
}
