// SPDX-License-Identifier: Apache-2.0
import { cleanShell } from './clean-start.ts'
import type { ServicePlan } from './service-plan.ts'
import { requestPlaces, supervisorLoop } from './supervisor-loop.ts'

export const sysvScriptPath = '/etc/init.d/device-cloud'

/**
 * The script of `/etc/init.d`, for the ash of BusyBox and every other POSIX shell. These systems restart no service, so
 * the script is the supervisor too: a shell that waits for the manager costs a few hundred KB, a second Node would cost 8 MB.
 */
export function sysvScript(plan: ServicePlan): string {
  const { executable, configDir, stateDir, user, appId } = plan
  return `#!/bin/sh
### BEGIN INIT INFO
# Provides:          device-cloud
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Should-Start:      $network $named $syslog $time
# Should-Stop:       $network $named $syslog
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Device manager of device-cloud
### END INIT INFO
# start, stop, restart, reload, status. Needs setsid; to run as another user than root also setpriv, start-stop-daemon or su.

${cleanShell}
# Nor do the programs of a user who became root without a login shell of root.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

EXE=${executable}
CONFIG=${configDir}
STATE=${stateDir}
RUN_AS=${user}
# More words for "device-cloud manager".
ARGS="-i ${appId} -s"
# What you change, change there: an update of the service writes this file anew.
[ ! -r /etc/default/device-cloud ] || . /etc/default/device-cloud
${requestPlaces(plan, '$STATE')}

SELF=${sysvScriptPath}
PIDFILE=/var/run/device-cloud.pid
RUN=/var/run/device-cloud
LONGEST_STOP=30
LONGEST_START=10
LONGEST_PAUSE=300

${supervisorLoop(plan, '$STATE')}
${finders}
${commands}`
}

const finders = `# Whether the supervisor of the pid file runs; sets pid. A pid that was given out again does not count.
running() {
  pid=
  [ -r "$PIDFILE" ] || return 1
  read -r pid <"$PIDFILE"
  case $pid in '' | *[!0-9]*) pid= && return 1 ;; esac
  if [ -r /proc/self/cmdline ]; then
    case $(tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") in *" $SELF supervise "*) return 0 ;; esac
    return 1
  fi
  kill -0 "$pid" 2>/dev/null
}

# Whether a manager is left whose supervisor was killed: it stays in the process group of the supervisor.
left() {
  [ -n "$pid" ] || return 1
  for folder in /proc/[0-9]*; do
    read -r line 2>/dev/null <"$folder/stat" || continue
    set -- \${line##*) }
    [ "$3" = "$pid" ] && [ "$1" != Z ] || continue
    case $(tr '\\0' ' ' 2>/dev/null <"$folder/cmdline") in *"$EXE manager -c $CONFIG "*) return 0 ;; esac
  done
  return 1
}

# What the supervisor knows; sets began, failures and failure.
note_of() {
  began=- failures=0 failure=
  read -r began failures failure 2>/dev/null <"$RUN/run"
}

# Whether the manager does not stay up. One that failed once and runs again is given time.
fails() {
  note_of
  [ "$failures" -gt 0 ] || return 1
  [ "$began" != - ] || return 0
  [ "$failures" -gt 1 ] && [ $(($(now) - began)) -lt 60 ]
}

nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

# Waits until the manager says that it runs; 1: it has failed, or ended at once. 2: it says nothing for LONGEST_START seconds.
came_up() {
  until=$(($(now) + LONGEST_START))
  while [ ! -s "$RUN/ready" ]; do
    note_of
    [ "$failures" -eq 0 ] && [ -e "$PIDFILE" ] || return 1
    [ "$(now)" -lt "$until" ] || return 2
    nap
  done
}

# end TEST PID: SIGTERM, and SIGKILL to the whole group when that takes too long.
end() {
  kill -TERM "$2" 2>/dev/null
  until=$(($(now) + LONGEST_STOP))
  while $1; do
    if [ "$(now)" -ge "$until" ]; then
      kill -KILL "-$pid" 2>/dev/null
      until=$((until + LONGEST_STOP))
    fi
    nap
  done
}
`

const commands = `start() {
  if running; then
    echo "device-cloud runs already (supervisor $pid)"
    return 0
  fi
  if [ ! -x "$EXE" ]; then
    echo "device-cloud not started: $EXE is not there or not executable" >&2
    return 5
  fi
  if left; then end left "-$pid"; fi
  make_folders || return 1
  setsid /bin/sh "$SELF" supervise </dev/null >/dev/null 2>&1 &
  pid=$!
  echo $pid >"$PIDFILE" || {
    kill $pid
    return 1
  }
  came_up
  case $? in
    0) echo "device-cloud started" ;;
    2) echo "device-cloud started, and has not come up within $LONGEST_START s; $SELF status says more" ;;
    *)
      if [ "$failures" -gt 0 ]; then
        echo "device-cloud does not come up, and is started again and again: $(cat "$RUN/last-end" 2>/dev/null)" >&2
      else
        echo "device-cloud ended at once, because it was asked to end" >&2
      fi
      return 1
      ;;
  esac
}

stop() {
  if running; then end running "$pid"; fi
  if left; then end left "-$pid"; fi
  rm -f "$PIDFILE"
  echo "device-cloud stopped"
}

reload() {
  if running; then
    kill -HUP "$pid"
  else
    echo "device-cloud does not run" >&2
    return 7
  fi
}

status() {
  if running; then
    if fails; then
      echo "device-cloud does not stay up (crash loop): restarted $failures times in a row, last exit code $failure, last words in $RUN/last-end: $(cat "$RUN/last-end" 2>/dev/null)"
      return 1
    fi
    echo "device-cloud runs (supervisor $pid)"
  elif [ -e "$PIDFILE" ]; then
    echo "device-cloud does not run, and was not stopped: $(cat "$RUN/last-end" 2>/dev/null)"
    return 1
  else
    echo "device-cloud is stopped"
    return 3
  fi
}

case $1 in
  start | stop | reload | status | supervise) $1 ;;
  restart | force-reload) stop && start ;;
  *)
    echo "usage: $0 {start|stop|restart|reload|status}" >&2
    exit 2
    ;;
esac
`
