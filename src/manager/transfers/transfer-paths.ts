// SPDX-License-Identifier: Apache-2.0
import { basename, isAbsolute, join, normalize, sep } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { BadParameter, booleanParam, textParam } from '../actions/index.ts'

/** The parameters of a file action [TR50 4.5]; the path is not yet checked against the disk. */
export interface TransferTarget {
  /** Name in the cloud store; undefined when neither a name nor a path was given. */
  readonly fileName: string | undefined
  /** Absolute and normalised. */
  readonly path: string
  /** A name was given, and a path that ends with `/`: that is a folder, also when it does not exist yet. */
  readonly isFolder: boolean
  /** The path was given relative to `folder`, and must stay inside it. */
  readonly relative: boolean
  /** `use_global_store`. */
  readonly global: boolean
}

/**
 * Reads `file_name`, `file_path` and `use_global_store` of a file action.
 *
 * Only a name: the file of that name in `folder`. Only a path: its last part is the name. Neither: `folder` itself.
 * A relative path counts from `folder`.
 *
 * @param folder `RUNTIME/download` or `RUNTIME/upload`, absolute
 * @throws BadParameter naming the parameter that is wrong
 * @throws AgentError `PATH_REFUSED` when a relative path goes above its folder with `..`
 */
export function readTransferTarget(params: JsonObject, folder: string): TransferTarget {
  const name = textParam(params, 'file_name')
  const path = textParam(params, 'file_path')
  const global = booleanParam(params, 'use_global_store')
  if (path?.startsWith('~')) throw new BadParameter("file_path: paths cannot use '~' to reference a home directory")
  const given = path ?? name
  if (given === undefined) return { fileName: undefined, path: folder, isFolder: false, relative: true, global }
  const fileName = name ?? basename(given)
  const isFolder = name !== undefined && path?.endsWith(sep) === true
  if (isAbsolute(given)) return { fileName, path: trimmed(normalize(given)), isFolder, relative: false, global }
  if (given.split('/').includes('..')) {
    throw new AgentError(
      'PATH_REFUSED',
      `${path === undefined ? 'file_name' : 'file_path'} leaves its folder with "..". Name a path below ${folder}, or an absolute path that file_transfer.allow names.`,
      { details: { path: given } },
    )
  }
  return { fileName, path: trimmed(join(folder, given)), isFolder, relative: true, global }
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith(sep) ? path.slice(0, -1) : path
}
