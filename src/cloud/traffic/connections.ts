export type Transport = 'mqtt' | 'mqtts' | 'wss' | 'https'

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

type Measure = () => { readonly bytesIn: number; readonly bytesOut: number }

const maxRecords = 2_000

/** Every connection, newest {@link maxRecords}: from which address and port it came, so that a test can prove which way was taken. */
export class Connections {
  readonly #records = new Map<string, ConnectionRecord>()
  /** Of open connections whose bytes are counted elsewhere. */
  readonly #measures = new Map<ConnectionRecord, Measure>()
  #next = 1
  readonly totals = { opened: 0, samples: 0, requests: 0, messagesIn: 0, messagesOut: 0 }

  /** @param measure answers the bytes so far, where nobody adds them to the record */
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
