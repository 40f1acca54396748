// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../../base/errors.ts'

/** The manifest: the instructions of a package. */
export const manifestName = 'update.json'
/** The detached signatures, beside `update.json`. */
export const signatureName = 'update.sig'
/** The output of its scripts, in the unpacked package. */
export const scriptLogName = 'ota_install.log'

/** The kind of a package by its name. Throws `NOT_SUPPORTED`, status 18 [TR50 7.4]. */
export function packageKind(name: string): 'zip' | 'tar.gz' {
  if (/\.zip$/i.test(name)) return 'zip'
  if (/\.(?:tar\.gz|tgz)$/i.test(name)) return 'tar.gz'
  throw new AgentError('NOT_SUPPORTED', `The package ${JSON.stringify(name)} must end in .zip or .tar.gz.`)
}
