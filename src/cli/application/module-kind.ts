// SPDX-License-Identifier: Apache-2.0
import { dirname, extname, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { isJsonObject, parseJson } from '../../base/json.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'

const maxPackageBytes = 1024 * 1024

/** How Node loads a file: by its extension, and for `.js` by the `type` of the nearest package.json. */
export async function moduleKindOf(path: string): Promise<'module' | 'commonjs'> {
  const extension = extname(path)
  if (extension === '.mjs') return 'module'
  if (extension === '.cjs') return 'commonjs'
  if (extension !== '.js') {
    const message = `${path} is not an application: its name must end in .js, .cjs or .mjs.`
    throw new AgentError('USAGE', message, { details: { path } })
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const description = await readPackage(join(folder, 'package.json'))
    if (description !== undefined) return description.type === 'module' ? 'module' : 'commonjs'
    if (dirname(folder) === folder) return 'commonjs'
  }
}

async function readPackage(path: string): Promise<{ readonly type?: unknown } | undefined> {
  try {
    const content = parseJson(await readBoundedText(path, maxPackageBytes))
    return isJsonObject(content) ? content : {}
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return undefined
    throw error
  }
}
