// SPDX-License-Identifier: Apache-2.0
/** The description of one kind of device, from targets/NAME.json. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { BuildError } from './build-error.ts'
import { root, targetsFolder } from './places.ts'

const bytes = v.pipe(v.number(), v.integer(), v.minValue(1))
const hex = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{2})+$/))

const shape = v.strictObject({
  name: v.string(),
  /** Name of the executable in dist/. */
  file: v.string(),
  node: v.strictObject({
    package: v.string(),
    version: v.string(),
    /** Of bin/node in the package. */
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    /** Changes to the pinned binary, each with its reason. */
    patches: v.optional(
      v.array(
        v.strictObject({
          why: v.array(v.string()),
          at: v.pipe(v.string(), v.regex(/^0x[0-9a-f]+$/)),
          expect: hex,
          replace: hex,
        }),
      ),
      [],
    ),
  }),
  elf: v.strictObject({ bits: v.picklist([32, 64]), machine: v.number() }),
  strip: v.strictObject({ program: v.string(), debianPackage: v.string() }),
  /** Runs the target's programs on a machine of another architecture. */
  emulator: v.strictObject({
    program: v.string(),
    debianPackage: v.string(),
    /** Folder of the target's dynamic linker and libraries. */
    sysroot: v.string(),
    sysrootDebianPackages: v.array(v.string()),
  }),
  /** Added to sea-config.json. */
  sea: v.record(v.string(), v.unknown()),
  /** Sizes beyond which the build fails. */
  budget: v.strictObject({ aboveBareBytes: bytes, rawBytes: bytes, xzBytes: bytes, squashfsBytes: bytes }),
})

export type Target = v.InferOutput<typeof shape>
export const targetNames = ['x64', 'arm64', 'armv7'] as const
export type TargetName = (typeof targetNames)[number]

/** The target for this machine, or undefined when there is none. */
export function targetOfThisMachine(): TargetName | undefined {
  const names: Record<string, TargetName> = { x64: 'x64', arm64: 'arm64', arm: 'armv7' }
  return process.platform === 'linux' ? names[process.arch] : undefined
}

/** Reads targets/`name`.json. Throws a {@link BuildError} with every invalid field. */
export function readTarget(name: TargetName, folder = join(root, targetsFolder)): Target {
  const file = join(folder, `${name}.json`)
  const parsed = v.safeParse(shape, JSON.parse(readFileSync(file, 'utf8')))
  if (parsed.success) return parsed.output
  const problems = parsed.issues.map(issue => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`)
  throw new BuildError(`${file}: ${problems.join('; ')}`)
}
