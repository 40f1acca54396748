// SPDX-License-Identifier: Apache-2.0
/** The text files of an emulated device whose root is read-only, as small devices have it. */

/** In the first root: loads what the kernel has as modules, does `more` with the real one at /new, and goes over to it. */
export const firstInit = (more = '') => `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /new
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/console 2>&1 </dev/console
for module in $(/bin/busybox cat /modules/order); do
  /bin/busybox insmod /modules/$module || echo "cannot load $module"
done
/bin/busybox mount -t sysfs sys /sys
for disk in vda vdb; do
  case $(/bin/busybox cat /sys/block/$disk/serial) in
    root) /bin/busybox mount -t squashfs -o ro /dev/$disk /new || echo "cannot mount the root" ;;
    data) /bin/busybox ln -s $disk /dev/data ;;
  esac
done
/bin/busybox umount /sys
/bin/busybox mount --move /dev /new/dev
/bin/busybox mount --move /proc /new/proc
${more}exec /bin/busybox switch_root /new /sbin/init
`

const inittab = `::sysinit:/etc/init.d/rcS
::respawn:/sbin/operator
::shutdown:/etc/init.d/rcK
::ctrlaltdel:/sbin/reboot
`

/**
 * For an init that waits for device nodes to be announced, which takes udev: what it would mount is there before. What must
 * outlive a reboot lies on a second disk.
 */
export const mountedBefore = `/bin/busybox mount -t tmpfs tmp /new/tmp
/bin/busybox mount -t ext4 /new/dev/data /new/data
/bin/busybox mount -o bind /new/data/etc /new/etc/device-cloud
/bin/busybox mount -o bind /new/data/state /new/var/lib/device-cloud
`

/** The name of the cloud is the one that is in its certificate; the emulator is the gateway to it. */
const network = `hostname pump
dmesg -n 1
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
`

/** What an init system starts once, before everything else. */
export const boardScript = `#!/bin/sh
${network}`

/**
 * The root is read-only. What must outlive a reboot lies on a second disk: configuration and state of the agent.
 */
const startScript = `#!/bin/sh
mount -t sysfs sys /sys
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mount -t ext4 /dev/data /data
mount -o bind /data/etc /etc/device-cloud
mount -o bind /data/state /var/lib/device-cloud
${network}syslogd
for script in /etc/init.d/S??*; do
  [ ! -x "$script" ] || "$script" start
done
echo "boot: services were started at $(cut -d ' ' -f 1 /proc/uptime) s"
`

const stopScript = `#!/bin/sh
for script in $(ls -r /etc/init.d/S??*); do
  [ ! -x "$script" ] || "$script" stop
done
umount /etc/device-cloud /var/lib/device-cloud
mount -o remount,ro /data
echo "boot: everything was stopped"
`

/** An operator at the serial port: what comes in is run, and its output goes out between two marks. */
export const operator = `#!/bin/sh
stty -echo
echo "operator: ready"
while read -r line; do
  echo "[["
  eval "$line" </dev/null 2>&1
  echo "]] $?"
done
`

export interface GuestFile {
  readonly text: string
  readonly mode: number
}

/** Path on the device → its text: what every device has. */
export const commonFiles: Readonly<Record<string, GuestFile>> = {
  '/sbin/operator': { text: operator, mode: 0o755 },
  '/etc/passwd': { text: 'root::0:0:root:/root:/bin/sh\ncloud:x:1234:1234::/:/bin/false\n', mode: 0o644 },
  '/etc/group': { text: 'root:x:0:\ncloud:x:1234:\n', mode: 0o644 },
  '/etc/hosts': { text: '10.0.2.2 localhost\n', mode: 0o644 },
}

/** A BusyBox system. */
export const busyboxFiles: Readonly<Record<string, GuestFile>> = {
  '/etc/inittab': { text: inittab, mode: 0o644 },
  '/etc/init.d/rcS': { text: startScript, mode: 0o755 },
  '/etc/init.d/rcK': { text: stopScript, mode: 0o755 },
}

export const guestFolders = [
  '/bin',
  '/data',
  '/dev',
  '/etc/device-cloud',
  '/etc/init.d',
  '/lib',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/sys',
  '/tmp',
  '/usr/bin',
  '/usr/sbin',
  '/var/lib/device-cloud',
  '/var/tmp',
] as const

/** Link → where it points. */
export const guestLinks: Readonly<Record<string, string>> = { '/var/run': '/run', '/var/log': '/tmp' }
