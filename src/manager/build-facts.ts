// SPDX-License-Identifier: Apache-2.0

import { version } from '../base/version.ts'
import { executableTarget, nodeVersion } from '../platform/process/runtime-facts.ts'

/** Put in by the build; absent when the sources run as they are. */
declare const DEVICE_CLOUD_COMMIT: string | null | undefined

/** What runs here, and what it was built from. */
export interface BuildFacts {
  readonly version: string
  /** The commit in full, with `-dirty` behind it when the sources were changed since; null when not built, or built without git. */
  readonly commit: string | null
  /** `linux-x64` and the like for an executable, `package` for the script of the npm package, `source` for the sources. */
  readonly target: string
  /** The version of Node, without a `v`. */
  readonly node: string
}

export function buildFacts(): BuildFacts {
  const built = typeof DEVICE_CLOUD_COMMIT !== 'undefined'
  return {
    version,
    commit: built ? DEVICE_CLOUD_COMMIT : null,
    target: executableTarget() ?? (built ? 'package' : 'source'),
    node: nodeVersion(),
  }
}
