// SPDX-License-Identifier: Apache-2.0
import { AgentError, withoutStop } from '../../base/errors.ts'
import type { ConfigProblem } from '../../config/settings.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'

const maxBundleBytes = 16 * 1024 * 1024

/** Why the file that `ca_bundle_file` names cannot be used; undefined when it holds a certificate. */
export async function bundleProblem(path: string): Promise<ConfigProblem | undefined> {
  const key = 'ca_bundle_file'
  const remedy = 'Name a PEM file of certificates, or remove the setting to use the built-in ones.'
  try {
    const text = await readBoundedText(path, maxBundleBytes)
    if (text.includes('-----BEGIN CERTIFICATE-----')) return undefined
    return { file: path, key, problem: 'names a file without a certificate in PEM form', remedy }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    return { file: path, key, problem: `names a file that cannot be used: ${withoutStop(error.message)}`, remedy }
  }
}
