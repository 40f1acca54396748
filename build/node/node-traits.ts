/** What a Node binary can do that decides how an executable is made of it. */
import { BuildError, type Report } from '../build-error.ts'
import { runProgram } from '../run-program.ts'
import type { Target } from '../target.ts'
import { launcherOf } from './machine.ts'

export interface NodeTraits {
  readonly node: string
  readonly libuv: string
  /** Whether it knows --disable-sigusr1, and with it execArgv in the SEA configuration. */
  readonly canForbidInspector: boolean
}

/** Asks the Node binary at `path` by running it. */
export async function readTraits(target: Target, path: string): Promise<NodeTraits> {
  const question =
    "[process.versions.node,process.versions.uv,process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')].join(' ')"
  const [program = path, ...args] = [...launcherOf(target), path, '-p', question]
  const { stdout } = await runProgram(program, args, { env: {} })
  const [node, libuv, flag] = stdout.trim().split(' ')
  if (node === undefined || libuv === undefined)
    throw new BuildError(`${path} is not a Node binary: it answered "${stdout.trim()}"`)
  return { node, libuv, canForbidInspector: flag === 'true' }
}

/** `target` as it is for the builder's own Node: no patches, which are for the pinned bytes only, and options by what it can do. */
export function adaptTarget(target: Target, traits: NodeTraits, report: Report): Target {
  if (target.name === 'armv7' && /^1\.4[56]\./.test(traits.libuv))
    report(
      `armv7: Node ${traits.node} has libuv ${traits.libuv}, which takes all of one processor when idle; always start the executable with UV_USE_IO_URING=0`,
    )
  // Before Node 24 the size of the young generation costs Node's own code cache, and with it a fifth of the start.
  const young = Number.parseInt(traits.node, 10) >= 24 ? ['--max-semi-space-size=1'] : []
  const sea = traits.canForbidInspector
    ? { execArgv: ['--disable-sigusr1', '--no-deprecation', ...young], execArgvExtension: 'none' }
    : {}
  return { ...target, node: { ...target.node, version: traits.node, patches: [] }, sea }
}
