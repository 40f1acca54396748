// SPDX-License-Identifier: Apache-2.0
/** The script that checks on a device whether an executable will start there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../places.ts'
import type { Target, TargetName } from '../target.ts'
import type { Requirements } from './requirements.ts'

/** The outputs of `uname -m` on machines that can run a target's executable: a 64-bit kernel can run a 32-bit system. */
const machines: Readonly<Record<TargetName, string>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  armv7: 'armv7l armv8l aarch64',
}

export interface PreflightFacts {
  readonly target: TargetName
  readonly elf: Target['elf']
  readonly requirements: Requirements
  /** Of the executable. */
  readonly bytes: number
  readonly sha256: string
}

/** The script for one executable. It runs in any POSIX shell and needs only programs of BusyBox. */
export function preflightScript({ target, elf, requirements, bytes, sha256 }: PreflightFacts): string {
  const facts: Readonly<Record<string, string | number>> = {
    target,
    machines: machines[target],
    elf_class: elf.bits === 64 ? 2 : 1,
    elf_machine: elf.machine,
    linker: requirements.linker,
    libraries: requirements.libraries.join(' '),
    // A binary without the note requires no particular kernel.
    kernel: requirements.kernel ?? '0',
    bytes,
    sum: sha256,
  }
  const lines = Object.entries(facts).map(([name, value]) => `${name}='${value}'`)
  const body = readFileSync(join(root, 'build/release/preflight.sh'), 'utf8')
  return `#!/bin/sh\n${body.replace('\nfailed=0', `\n${lines.join('\n')}\nfailed=0`)}`
}
