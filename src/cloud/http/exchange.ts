// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ConnectionRecord } from '../traffic/connections.ts'

/** A request that was admitted. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly record: ConnectionRecord
  /** The id in the path. */
  readonly id: string
}
