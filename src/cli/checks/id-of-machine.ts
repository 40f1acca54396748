// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from 'node:crypto'
import { readMacAddress } from '../../platform/system/mac-address.ts'
import { systemText } from '../../platform/system/system-file.ts'

/**
 * A device id for a configuration folder that cannot keep one. The same machine always gets the same id, so that two runs do not
 * register two things in the cloud; and each machine gets its own, even when several have copies of one image.
 *
 * @param root `/` except in tests
 */
export async function idOfMachine(configDir: string, root = '/'): Promise<string> {
  const [machine, card] = await Promise.all([systemText(root, 'etc/machine-id'), readMacAddress(root)])
  // Without a network card, all copies of an image would get the same id.
  if (card === undefined) return randomUUID()
  const sum = createHash('sha256').update(`device-cloud\0${machine}\0${card}\0${configDir}`).digest()
  // Version 8 and its variant [RFC 9562 5.8].
  sum.writeUInt8((sum.readUInt8(6) & 0x0f) | 0x80, 6)
  sum.writeUInt8((sum.readUInt8(8) & 0x3f) | 0x80, 8)
  return sum.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
