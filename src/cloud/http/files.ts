// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http'
import { numberOf } from '../faults/faults.ts'
import type { Ticket } from '../store/file-store.ts'
import type { State } from '../store/state.ts'
import type { ConnectionRecord } from '../traffic/connections.ts'
import type { JsonObject } from '../values/json.ts'
import { answer } from './body.ts'
import { Download } from './download.ts'
import type { Exchange } from './exchange.ts'
import { Upload } from './upload.ts'

/** `GET|POST /file/ID`: the contents of files. The id is the only permission that a client needs [TR50 5.3]. */
export class Files {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  async take({ request, response, record, id }: Exchange): Promise<void> {
    const mode = request.method === 'POST' ? 'put' : 'get'
    const on = mode === 'get' ? 'download' : 'upload'
    const ticket = this.#state.files.ticket(id)
    const thingKey = ticket?.put?.thingKey ?? ticket?.file?.thingKey
    const range = request.headers.range
    const topic = `${request.method} /file/${id}`
    this.#note(record, 'in', topic, thingKey, { text: range === undefined ? on : `${on} ${range}` })
    response.once('close', () =>
      this.#note(record, 'out', topic, thingKey, {
        status: response.statusCode,
        text: response.writableFinished ? `${on} answered` : `${on} broke off`,
      }),
    )
    const fault = this.#state.faults.take('fileStatus', { on, thingKey })
    if (fault !== undefined) return refuse(response, fault)
    if (ticket === undefined || ticket.mode !== mode)
      return answer(response, 404, 'The file id is not known, used up or expired.')
    await this.#transfer(ticket, request, response)
  }

  async #transfer(ticket: Ticket, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const state = this.#state
    if (ticket.busy && ticket.mode === 'put') return answer(response, 409, 'An upload with this file id is running.')
    ticket.busy = true
    try {
      const isComplete =
        ticket.mode === 'put'
          ? await new Upload(state, ticket, request, response).run()
          : await new Download(state, ticket, request, response).run()
      if (isComplete || state.faults.peek('singleUseFileId') !== undefined) state.files.use(ticket)
    } finally {
      ticket.busy = false
    }
  }

  #note(
    record: ConnectionRecord,
    direction: 'in' | 'out',
    topic: string,
    thingKey: string | undefined,
    more: { text: string; status?: number },
  ): void {
    this.#state.transcript.add({ kind: 'http', direction, connection: record.id, topic, thingKey, ...more })
  }
}

function refuse(response: ServerResponse, fault: JsonObject): void {
  const retryAfterS = numberOf(fault, 'retryAfterS', -1)
  const headers = retryAfterS >= 0 ? { 'Retry-After': String(retryAfterS) } : {}
  answer(response, numberOf(fault, 'status', 503), 'This is a fault of the local cloud.', headers)
}
