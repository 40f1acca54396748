// SPDX-License-Identifier: Apache-2.0
/** Where init systems look for the service, its settings and its state: what is written there decides what root runs. */
export const servicePlaces = {
  folders: [
    '/etc/systemd/system/device-cloud.service.d',
    '/run/systemd/system/device-cloud.service.d',
    '/etc/device-cloud',
    '/run/device-cloud',
    '/var/run/device-cloud',
    '/var/lib/device-cloud-root',
  ],
  files: [
    '/etc/init.d/device-cloud',
    '/etc/systemd/system/device-cloud.service',
    '/etc/systemd/system/multi-user.target.wants/device-cloud.service',
    '/run/systemd/system/device-cloud.service',
    '/lib/systemd/system/device-cloud.service',
    '/usr/lib/systemd/system/device-cloud.service',
    '/etc/runlevels/default/device-cloud',
    '/etc/rc.d/S90device-cloud',
    '/etc/rc.d/K10device-cloud',
    '/etc/default/device-cloud',
    '/etc/conf.d/device-cloud',
    '/etc/device-cloud-root.cfg',
    '/run/device-cloud.pid',
    '/var/run/device-cloud.pid',
  ],
} as const

/** Links in the folders of run levels: `/etc/rc2.d/S99device-cloud`. */
export const isBootLink = (path: string): boolean =>
  /^\/etc\/(?:rc\.d\/)?rc[0-9S]\.d\/[SK]\d\d?device-cloud$/.test(path)
