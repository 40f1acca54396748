// SPDX-License-Identifier: Apache-2.0
import { againExitCode, rootStepExitCode } from '../../platform/process/exit-codes.ts'
import { requestFileName, rootConfigPath, rootSideVariable } from '../root/index.ts'
import { serviceUmask } from './clean-start.ts'
import { type ServicePlan, serviceEnvironment } from './service-plan.ts'

/** Variables of a script that name the files between the manager and root. */
export function requestPlaces({ requestDir, workDir }: ServicePlan, stateDir: string): string {
  const folder = requestDir === undefined ? stateDir : requestDir
  return `# By these the manager asks root, and root answers: where ${rootConfigPath} says.
REQUEST=${folder}/${requestFileName}
PENDING=${workDir}/results/pending.json`
}

/**
 * `supervise`: a shell that starts the manager again when it ends, until the shell is stopped or the manager ends for good. With a
 * named user it stays root, starts the manager as RUN_AS, and does the manager's requests to root between two runs of it. One
 * text for every init system without such a supervisor of its own.
 *
 * It needs EXE, CONFIG, RUN_AS, ARGS, RUN, PIDFILE (may be empty), REQUEST, PENDING, LONGEST_STOP and LONGEST_PAUSE.
 *
 * @param stateDir how the script writes the state folder
 */
export function supervisorLoop(plan: ServicePlan, stateDir: string): string {
  const exports = serviceEnvironment(plan, stateDir).map(([name, value]) => `  export ${name}=${value}`)
  return `# Seconds; the wall clock of a device jumps.
now() {
  if read -r up rest 2>/dev/null </proc/uptime; then echo "\${up%%.*}"; else date +%s; fi
}

# The words may be those of a manager that is not root: they must not drive the terminal on which "status" shows them.
say() {
  said=$(printf '%s' "$*" | tr -d '\\001-\\037\\177')
  printf '%s\\n' "$said" >"$RUN/last-end"
  logger -t device-cloud -p daemon.warning "$said" 2>/dev/null
}

# For "start" and "status": when the manager was started (- while none runs), how often it has failed in a row, and the
# exit code of the last time.
note() {
  # In one step, so that a reader never finds an empty file.
  echo "$1 $failures $failure" >"$RUN/run.new" && mv -f "$RUN/run.new" "$RUN/run"
}

# Becomes the manager, as RUN_AS, by whatever the device has for it; the pid stays.
manager() {
  [ "$RUN_AS" != root ] || exec "$EXE" manager -c "$CONFIG" $ARGS
  nnp=
  if setpriv --no-new-privs true 2>/dev/null; then nnp='setpriv --no-new-privs'; fi
  # That of BusyBox cannot change the user.
  if setpriv --reuid 0 --regid 0 --init-groups true 2>/dev/null; then
    set -- --reuid "$(id -u "$RUN_AS")" --regid "$(id -g "$RUN_AS")" --init-groups
    exec setpriv --no-new-privs "$@" "$EXE" manager -c "$CONFIG" $ARGS
  fi
  case $(start-stop-daemon --version 2>&1) in
    # It would start another process, and wait.
    *OpenRC* | *'not found'*)
      export EXE CONFIG ARGS
      exec $nnp su -s /bin/sh "$RUN_AS" -c 'exec "$EXE" manager -c "$CONFIG" $ARGS'
      ;;
  esac
  # No pid file is looked at: that is done already.
  exec $nnp start-stop-daemon -S -c "$RUN_AS" -p /dev/null -x "$EXE" -- manager -c "$CONFIG" $ARGS
}

# Does what the manager has asked of root, or what root has begun and not finished.
root_step() {
  [ -n "$${rootSideVariable}" ] || return 0
  [ -e "$REQUEST" ] || [ -e "$PENDING" ] || return 0
  "$EXE" root-step -s </dev/null >/dev/null 2>"$RUN/errors" &
  child=$!
  await
  [ $code -eq 0 ] || say "root-step ended with $code: $(tail -n 1 "$RUN/errors" 2>/dev/null)"
}

# Waits for $child; sets code.
await() {
  [ -z "$stopping" ] || kill -TERM $child
  # A signal ends the wait early.
  while :; do
    wait $child
    code=$?
    kill -0 $child 2>/dev/null || break
  done
  child=
}

# Ends process $1 when it does not end by itself in time. Once the supervisor has ended, its number may be another's.
hurry() {
  seconds=$LONGEST_STOP
  while [ $seconds -gt 0 ]; do
    sleep 1
    kill -0 $$ 2>/dev/null || exit
    seconds=$((seconds - 1))
  done
  kill -KILL $1 2>/dev/null
}

# Asked to end.
end_child() {
  stopping=1
  kill -TERM $child $pause 2>/dev/null
  [ -n "$child" ] && [ -z "$hurrier" ] || return
  hurry $child &
  hurrier=$!
}

# Starts the manager again when it dies, later each time that it dies soon. Signals go on to the manager;
# a reload during a pause ends the pause.
supervise() {
  cd / && umask ${serviceUmask} && ulimit -c 0
${exports.join('\n')}
  unset ${rootSideVariable}
  if [ "$RUN_AS" != root ] && [ -e ${rootConfigPath} ]; then export ${rootSideVariable}=1; fi
  # syslog has the log; what a dying manager says is kept apart.
  export DEVICE_CLOUD_QUIET=true
  # There it says that it runs.
  export DEVICE_CLOUD_READY_FD=3
  child= pause= stopping= hurrier= code=0 failures=0 failure=0
  trap end_child TERM INT QUIT
  trap 'if [ -n "$child" ]; then kill -HUP $child; elif [ -n "$pause" ]; then kill $pause; fi 2>/dev/null' HUP
  delay=1
  while [ -z "$stopping" ]; do
    root_step
    [ -z "$stopping" ] || break
    began=$(now)
    note "$began"
    manager </dev/null >/dev/null 2>"$RUN/errors" 3>"$RUN/ready" &
    child=$!
    await
    [ -z "$stopping" ] || break
    # ${againExitCode} asks to be started again. 0: an operator ended it from the cloud, or decommissioned the device.
    [ $code -ne ${againExitCode} ] || continue
    [ $code -ne 0 ] || break
    # ${rootStepExitCode}: it has asked root for something, or makes room for what root has begun.
    if [ $code -eq ${rootStepExitCode} ]; then
      [ ! -e "$REQUEST" ] && [ ! -e "$PENDING" ] || continue
    fi
    [ $(($(now) - began)) -lt 60 ] || delay=1 failures=0
    failure=$code failures=$((failures + 1))
    say "device manager ended with $code, starts again in $delay s: $(tail -n 1 "$RUN/errors" 2>/dev/null)"
    note -
    sleep $delay &
    pause=$!
    [ -z "$stopping" ] || kill $pause
    wait $pause
    kill $pause 2>/dev/null
    pause=
    delay=$((delay * 2))
    [ $delay -le $LONGEST_PAUSE ] || delay=$LONGEST_PAUSE
  done
  [ -z "$hurrier" ] || kill $hurrier 2>/dev/null
  rm -f "$RUN/run" "$RUN/ready" 2>/dev/null
  [ -z "$PIDFILE" ] || rm -f "$PIDFILE" 2>/dev/null
}

# $RUN and $STATE, before anything is started. $RUN is root's own: the supervisor writes there.
make_folders() {
  [ -d "$RUN" ] || mkdir -p -m 750 "$RUN" || return 1
  chown -h root "$RUN" && chmod 755 "$RUN" || return 1
  made=
  [ -d "$STATE" ] || { mkdir -p -m 750 "$STATE" && made=1; } || return 1
  # A link may lead to the folder of another user: RUN_AS may own the folder above.
  if [ -n "$made" ] || [ "$(cd -P "$STATE" && pwd -P)" = "$STATE" ]; then
    chown -h "$RUN_AS" "$STATE" || return 1
  fi
  # An earlier version gave the folder to RUN_AS.
  rm -f "$RUN/errors" "$RUN/last-end" "$RUN/run" "$RUN/ready"
}
`
}
