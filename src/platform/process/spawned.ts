// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import { fileFailure } from '../files/file-failure.ts'

/** A child that runs. Throws `FILE_NOT_FOUND` or `FILE_ACCESS` when it cannot be started. */
export function spawned<Child extends ChildProcess>(file: string, start: () => Child): Promise<Child> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(fileFailure('run', file, error))
    try {
      const child = start()
      child.once('error', fail)
      child.once('spawn', () => resolve(child))
    } catch (error) {
      fail(error)
    }
  })
}
