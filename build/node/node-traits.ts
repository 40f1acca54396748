// SPDX-License-Identifier: Apache-2.0
/** Properties of a Node binary on which the executable made of it depends. */
import { BuildError, type Report } from '../build-error.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'
import { launcherOf } from './machine.ts'

export interface NodeTraits {
  readonly node: string
  readonly libuv: string
  /** Whether it has --disable-sigusr1, and with it execArgv in the SEA configuration. */
  readonly canForbidInspector: boolean
}

/** Reads them by running the Node binary at `path`. */
export async function readTraits(target: Target, path: string): Promise<NodeTraits> {
  const question =
    "[process.versions.node,process.versions.uv,process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')].join(' ')"
  const [program = path, ...args] = [...launcherOf(target), path, '-p', question]
  const { stdout } = await runProgram(program, args, { env: {} })
  const [node, libuv, flag] = stdout.trim().split(' ')
  if (node === undefined || libuv === undefined)
    throw new BuildError(`${path} is not a Node binary: it printed "${stdout.trim()}".`)
  return { node, libuv, canForbidInspector: flag === 'true' }
}

/** `target` for the caller's own Node: without patches, which fit the pinned bytes only, and with the options that it has. */
export function adaptTarget(target: Target, traits: NodeTraits, report: Report): Target {
  if (target.name === 'armv7' && /^1\.4[56]\./.test(traits.libuv))
    report(
      `armv7: Node ${traits.node} has libuv ${traits.libuv}, which uses one processor completely when idle; always start the executable with UV_USE_IO_URING=0`,
    )
  // Before Node 24, setting the size of the young generation invalidates Node's own code cache, which takes a fifth of the start.
  const young = Number.parseInt(traits.node, 10) >= 24 ? ['--max-semi-space-size=1'] : []
  const sea = traits.canForbidInspector
    ? { execArgv: ['--disable-sigusr1', '--no-deprecation', ...young], execArgvExtension: 'none' }
    : {}
  return { ...target, node: { ...target.node, version: traits.node, patches: [] }, sea }
}
