// SPDX-License-Identifier: Apache-2.0
/** What a user types so that a device or an application finds this cloud. */

/** The part of the ready line that a connection file needs. */
export interface Reachable {
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
}

/** The command that writes the connection file of the device manager; `-f APP_ID-connect.cfg` is added for an application. */
export function connectionCommand({ mqtts, https, ca, token }: Reachable): string {
  // Any other port must say that it speaks TLS.
  const transport = mqtts === 8883 ? '' : ' --transport mqtts'
  const files = `--onprem-file-xfer-port ${https}`
  return `config generate -c localhost -p ${mqtts}${transport} -t ${shellWord(token)} -s ${shellWord(ca)} ${files}`
}

function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
