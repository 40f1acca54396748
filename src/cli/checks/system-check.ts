import { AgentError } from '../../base/errors.ts'
import { memoryOfMachine } from '../../platform/system/own-memory.ts'
import { readSystemFacts } from '../../platform/system/system-facts.ts'
import { systemText } from '../../platform/system/system-file.ts'
import type { Check } from '../run-checks.ts'

/** The oldest kernel that Node asks for [Node 20 and 24, BUILDING.md, "Supported platforms"]. */
const minKernel = [4, 18] as const
/** Of the smallest machines that are tried, in MB: 32-bit ARM, and the others. */
const minMemoryMb = { arm: 64, others: 128 } as const
const megabyte = 1024 * 1024
const noProc =
  '/proc is not mounted, and health, locks and updates of the agent need it: mount it at boot (mount -t proc proc /proc)'

/** What the agent finds itself on. It runs, so that only what it will miss later is a failure. */
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

/** What may make trouble, although the agent runs. */
export function concerns(kernel: string, memoryBytes: number, arch: string = process.arch): string {
  const [major = 0, minor = 0] = kernel.split('.').map(part => Number.parseInt(part, 10))
  const isOld = major < minKernel[0] || (major === minKernel[0] && minor < minKernel[1])
  const minMb = arch === 'arm' ? minMemoryMb.arm : minMemoryMb.others
  // A kernel keeps some of the memory for itself.
  const isSmall = memoryBytes < 0.8 * minMb * megabyte
  return [
    ...(isOld ? [`; Node asks for a kernel of ${minKernel.join('.')} or later`] : []),
    ...(isSmall ? [`; tried are ${minMb} MB and more`] : []),
  ].join('')
}
