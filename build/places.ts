// SPDX-License-Identifier: Apache-2.0
/** The folders of the build, relative to {@link root}. */
import { resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '..')
export const targetsFolder = 'targets'
export const distFolder = 'dist'
/** Downloads and finished executables; may be deleted at any time. */
export const cacheFolder = '.cache'
