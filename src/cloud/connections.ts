import type { Transport } from './sessions.ts'

/** One connection that reached this cloud, and what came over it. */
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

const mostRecords = 2_000

/** Every connection, newest {@link mostRecords}: from which address and port it came, so that a test can prove which way was taken. */
export class Connections {
  readonly #records = new Map<string, ConnectionRecord>()
  #next = 1
  readonly totals = { opened: 0, samples: 0, requests: 0, messagesIn: 0, messagesOut: 0 }

  open(transport: Transport, remote: { address?: string | undefined; port?: number | undefined }): ConnectionRecord {
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
    if (this.#records.size > mostRecords) this.#forgetOldest()
    return record
  }

  /** Forgets the oldest that is closed, or simply the oldest. */
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
    record.closedTs ??= new Date().toISOString()
  }

  all(): readonly ConnectionRecord[] {
    return [...this.#records.values()]
  }
}
