// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net'
import { AgentError, errnoOf, messageOf, withoutStop } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { waitFor } from '../../base/wait.ts'
import { socketAddress } from '../../platform/process/socket-place.ts'
import { LineReader } from './line-reader.ts'
import { parseAnswer, socketVersion } from './message.ts'

/** A request to the manager that runs on this device. */
export interface LocalAsk {
  /** Path of the socket file. */
  readonly path: string
  /** The request without `v` and `id`: `{ do: "status" }`. */
  readonly request: JsonObject
  readonly onProgress?: (facts: JsonObject) => void
  readonly signal?: AbortSignal
}

/**
 * Asks the running manager, and resolves to the `result` of its answer.
 *
 * @throws AgentError `MANAGER_NOT_RUNNING` when no manager answers there, or the error in the answer of the manager
 */
export function askManager({ path, request, onProgress, signal }: LocalAsk): Promise<JsonObject> {
  return waitFor<JsonObject>(signal, (resolve, reject) => {
    const socket = connect({ path: socketAddress(path) })
    const gone = (why: string) =>
      new AgentError('MANAGER_NOT_RUNNING', `The device manager does not answer on ${path}: ${why}.`)
    const reader = new LineReader({
      onLine: line => {
        const answer = parseAnswer(line)
        if (answer === undefined) return reject(gone('something else listens there'))
        if (answer.progress !== undefined) return onProgress?.(answer.progress)
        if (answer.error !== undefined) return reject(answer.error)
        resolve(answer.result ?? {})
      },
      onTooLong: () => reject(gone('something else listens there')),
    })
    socket.on('connect', () => socket.write(`${JSON.stringify({ v: socketVersion, id: 1, ...request })}\n`))
    socket.on('data', chunk => reader.push(chunk))
    socket.on('error', error => reject(connectError(path, error, gone)))
    socket.on('close', () => reject(gone('it ended the connection')))
    return () => {
      socket.destroy()
    }
  })
}

function connectError(path: string, error: Error, gone: (why: string) => AgentError): AgentError {
  const errno = errnoOf(error)
  if (errno === 'ENOENT') return gone('there is no such socket')
  if (errno === 'ENOTDIR') return gone('a part of the path is not a folder')
  if (errno === 'ECONNREFUSED') return gone('it is left from a manager that ended')
  if (errno === 'EACCES' || errno === 'EPERM') {
    const message = `Only the user of the device manager may use ${path}: run the command as that user or as root.`
    return new AgentError('POLICY_REFUSED', message, { cause: error })
  }
  return gone(withoutStop(messageOf(error)))
}
