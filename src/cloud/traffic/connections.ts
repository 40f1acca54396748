// SPDX-License-Identifier: Apache-2.0
export type Transport = 'mqtt' | 'mqtts' | 'wss' | 'https'

/** One connection to this cloud, and how much was sent over it. */
export interface ConnectionRecord {
  readonly id: string
  readonly transport: Transport
  readonly remoteAddress: string
  readonly remotePort: number
  readonly openedTs: string
  closedTs?: string
  clientId?: string
  bytesIn: number
  bytesOut: number
  messagesIn: number
  messagesOut: number
  requests: number
  tls?: string
}

type Measure = () => { readonly bytesIn: number; readonly bytesOut: number }

const maxRecords = 2_000

/**
 * The newest {@link maxRecords} connections. Each has the address and port that it came from, so that a test can prove which
 * route was taken.
 */
export class Connections {
  readonly #records = new Map<string, ConnectionRecord>()
  /** For open connections: reads byte counts that are kept elsewhere. */
  readonly #measures = new Map<ConnectionRecord, Measure>()
  #next = 1
  readonly totals = { opened: 0, samples: 0, requests: 0, messagesIn: 0, messagesOut: 0 }

  /** @param measure returns the bytes so far; without it the caller adds them to the record */
  open(
    transport: Transport,
    remote: { address?: string | undefined; port?: number | undefined },
    measure?: Measure,
  ): ConnectionRecord {
    const record: ConnectionRecord = {
      id: `c${this.#next++}`,
      transport,
      remoteAddress: remote.address ?? '',
      remotePort: remote.port ?? 0,
      openedTs: new Date().toISOString(),
      bytesIn: 0,
      bytesOut: 0,
      messagesIn: 0,
      messagesOut: 0,
      requests: 0,
    }
    this.totals.opened++
    this.#records.set(record.id, record)
    if (measure !== undefined) this.#measures.set(record, measure)
    if (this.#records.size > maxRecords) this.#forgetOldest()
    return record
  }

  /** Drops the oldest closed connection, or the oldest of all when none is closed. */
  #forgetOldest(): void {
    for (const [id, record] of this.#records) {
      if (record.closedTs === undefined) continue
      this.#records.delete(id)
      return
    }
    const [oldest] = this.#records.keys()
    if (oldest !== undefined) this.#records.delete(oldest)
  }

  close(record: ConnectionRecord): void {
    this.#update(record)
    this.#measures.delete(record)
    record.closedTs ??= new Date().toISOString()
  }

  #update(record: ConnectionRecord): void {
    const measure = this.#measures.get(record)
    if (measure !== undefined) Object.assign(record, measure())
  }

  all(): readonly ConnectionRecord[] {
    for (const record of this.#measures.keys()) this.#update(record)
    return [...this.#records.values()]
  }
}
