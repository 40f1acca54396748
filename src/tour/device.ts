// SPDX-License-Identifier: Apache-2.0
/** The configuration of the tour's device, as an integrator would write it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface ReadyCloud {
  readonly mqtt: number
  readonly mqtts: number
  readonly https: number
  readonly ca: string
  readonly token: string
  readonly operator: { readonly user: string; readonly password: string }
}

export const deviceId = 'tour'
export const thingKey = `${deviceId}-device_manager`

/** Writes the configuration folder of the device. Actions that would affect this machine (reboot, shutdown, …) are disabled. */
export function writeDeviceConfig(folder: string, cloud: ReadyCloud): void {
  const runtime = join(folder, 'runtime')
  const download = join(runtime, 'download')
  for (const path of [folder, runtime, download]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2), {
      mode: 0o600,
    })
  write('iot-connect.cfg', {
    cloud: {
      host: 'localhost',
      port: cloud.mqtts,
      transport: 'mqtts',
      token: cloud.token,
      file_xfer_host: 'localhost',
      file_xfer_port: cloud.https,
    },
    ca_bundle_file: cloud.ca,
    validate_cloud_cert: true,
    file_transfer: { allow: [download] },
  })
  write('iot.cfg', {
    runtime_dir: runtime,
    log_level: 'INFO',
    health_interval: 5,
    actions_enabled: {
      file_transfers: true,
      reset_agent: true,
      reboot_device: false,
      shutdown_device: false,
      decommission_device: false,
      remote_login: false,
      software_update: false,
    },
  })
  write('attributes.cfg', { publish_attribute: { site: 'this desk', purpose: 'a look around' } })
  write('device_id', deviceId)
}
