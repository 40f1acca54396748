// SPDX-License-Identifier: Apache-2.0
import { release, type } from 'node:os'
import { systemText } from './system-file.ts'

/** The name and version of the operating system, for people. */
export interface OsRelease {
  readonly name: string
  readonly version: string
}

/** From os-release, else from the files that small systems have instead, else the kernel's. */
export async function readOsRelease(root: string): Promise<OsRelease> {
  const text = (await systemText(root, 'etc/os-release')) ?? (await systemText(root, 'usr/lib/os-release'))
  const facts = parseAssignments(text ?? '')
  const name = facts.get('NAME') ?? facts.get('PRETTY_NAME') ?? facts.get('ID')
  const version = facts.get('VERSION_ID') ?? facts.get('VERSION') ?? facts.get('BUILD_ID')
  if (name !== undefined) return { name, version: version ?? (await readDebianVersion(root)) ?? 'unknown' }
  return (await readOlderFiles(root)) ?? { name: type(), version: release() }
}

/** Debian testing has no VERSION_ID; this file names the release that it will become. */
function readDebianVersion(root: string): Promise<string | undefined> {
  return systemText(root, 'etc/debian_version')
}

const versionFiles = [
  ['etc/alpine-release', 'Alpine Linux'],
  ['etc/br-version', 'Buildroot'],
  ['etc/debian_version', 'Debian GNU/Linux'],
] as const

async function readOlderFiles(root: string): Promise<OsRelease | undefined> {
  for (const file of ['etc/lsb-release', 'etc/openwrt_release']) {
    const facts = parseAssignments((await systemText(root, file)) ?? '')
    const name = facts.get('DISTRIB_ID')
    if (name !== undefined) return { name, version: facts.get('DISTRIB_RELEASE') ?? 'unknown' }
  }
  for (const [file, name] of versionFiles) {
    const version = await systemText(root, file)
    if (version) return { name, version: version.split('\n')[0] ?? version }
  }
  return undefined
}

/** Lines `KEY=value` of a shell fragment; quotes and backslashes as os-release(5) defines them. Empty values are left out. */
export function parseAssignments(text: string): ReadonlyMap<string, string> {
  const facts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z_][A-Z0-9_]*)=(.*?)\s*$/.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) continue
    const bare = /^(["'])(.*)\1$/.exec(match[2])?.[2] ?? match[2]
    const value = bare.replace(/\\(.)/g, '$1')
    if (value !== '') facts.set(match[1], value)
  }
  return facts
}
