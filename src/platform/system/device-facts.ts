// SPDX-License-Identifier: Apache-2.0
import { machine } from 'node:os'
import { parseAssignments } from './os-release.ts'
import { systemText } from './system-file.ts'

/** The facts of a device that a package may require; each can have several forms, and is empty where the device does not report it. */
export interface DeviceFacts {
  /** CPE names of the operating system, `cpe:2.3:o:VENDOR:PRODUCT:VERSION`. */
  readonly osVersion: readonly string[]
  readonly vendor: readonly string[]
  readonly device: readonly string[]
  readonly model: readonly string[]
  readonly serial: readonly string[]
  /** As `uname -m` prints it. */
  readonly architecture: readonly string[]
}

/** Reads the facts from os-release, the device tree and the tables of the firmware. `root` is another folder in tests. */
export async function readDeviceFacts(root = '/'): Promise<DeviceFacts> {
  const release = parseAssignments(
    (await systemText(root, 'etc/os-release')) ?? (await systemText(root, 'usr/lib/os-release')) ?? '',
  )
  const dmi = async (name: string) => texts(await systemText(root, `sys/class/dmi/id/${name}`))
  const tree = async (name: string) => texts(await systemText(root, `proc/device-tree/${name}`))
  const compatible = await tree('compatible')
  return {
    osVersion: cpeNames(release),
    vendor: [...(await dmi('sys_vendor')), ...compatible.flatMap(one => one.split(',', 1))],
    device: [...(await dmi('board_name')), ...(await dmi('product_name')), ...compatible],
    model: [...(await dmi('product_name')), ...(await tree('model'))],
    serial: [...(await dmi('product_serial')), ...(await tree('serial-number'))],
    architecture: [machine()],
  }
}

/** Texts of the device tree end with NUL, and a list has one behind each part. */
function texts(value: string | undefined): string[] {
  return (value ?? '')
    .split('\0')
    .map(one => one.trim())
    .filter(one => one !== '')
}

function cpeNames(release: ReadonlyMap<string, string>): string[] {
  const names: string[] = []
  const own = release.get('CPE_NAME')
  if (own !== undefined) names.push(own.startsWith('cpe:/') ? `cpe:2.3:${own.slice('cpe:/'.length)}` : own)
  const id = release.get('ID')
  if (id !== undefined) names.push(`cpe:2.3:o:*:${id}:${release.get('VERSION_ID') ?? ''}`)
  return names
}
