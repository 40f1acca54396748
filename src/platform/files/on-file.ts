// SPDX-License-Identifier: Apache-2.0
import { fileFailure } from './file-failure.ts'

/** Runs an operation on `path`; whatever it throws becomes an `AgentError` that says what was tried, on what, and why it failed. */
export async function onFile<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileFailure(verb, path, error)
  }
}
