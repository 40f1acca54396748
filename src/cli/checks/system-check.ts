// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { memoryOfMachine } from '../../platform/system/own-memory.ts'
import { readSystemFacts } from '../../platform/system/system-facts.ts'
import { systemText } from '../../platform/system/system-file.ts'
import type { Check } from './run-checks.ts'

/** The oldest kernel that Node asks for [Node 20 and 24, BUILDING.md, "Supported platforms"]. */
const minKernel = [4, 18] as const
/** Memory of the smallest machines that the agent is tested on, in MB: 32-bit ARM, and all others. */
const minMemoryMb = { arm: 64, others: 128 } as const
const megabyte = 1024 * 1024
const noProc =
  '/proc is not mounted, but health, locks and updates of the agent need it: mount it at boot (mount -t proc proc /proc)'

/** The machine. The agent runs on it already, so the check fails only when the agent will lack something later. */
export function systemCheck(root = '/'): Check {
  return {
    name: 'system',
    run: async () => {
      const { kernel, architecture } = await readSystemFacts(root)
      if ((await systemText(root, 'proc/self/status')) === undefined) throw new AgentError('NOT_SUPPORTED', noProc)
      const memory = memoryOfMachine()
      return `Linux ${kernel}, ${architecture}, ${Math.round(memory / megabyte)} MB of memory${concerns(kernel, memory)}`
    },
  }
}

/** What may cause trouble later, although the agent runs. */
export function concerns(kernel: string, memoryBytes: number, arch: string = process.arch): string {
  const [major = 0, minor = 0] = kernel.split('.').map(part => Number.parseInt(part, 10))
  const isOld = major < minKernel[0] || (major === minKernel[0] && minor < minKernel[1])
  const minMb = arch === 'arm' ? minMemoryMb.arm : minMemoryMb.others
  // The kernel keeps some of the memory for itself.
  const isSmall = memoryBytes < 0.8 * minMb * megabyte
  return [
    ...(isOld ? [`; Node requires kernel ${minKernel.join('.')} or later`] : []),
    ...(isSmall ? [`; the agent is tested with ${minMb} MB and more`] : []),
  ].join('')
}
