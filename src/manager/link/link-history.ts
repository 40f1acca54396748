import type { Clock } from '../../base/clock.ts'
import type { AgentError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Client } from '../../client/client.ts'

/** Trouble with the cloud, and when it was. */
export interface Trouble {
  readonly error: AgentError
  readonly atEpochMs: number
}

/** Follows the link of a client: says in the log how it goes, and remembers the latest trouble for `status`. */
export class LinkHistory {
  #lastTrouble: Trouble | undefined

  constructor(parts: {
    client: Pick<Client, 'on'>
    clock: Clock
    log: Log
    onUp: () => void
    onDown: () => void
  }) {
    const { client, clock, log, onUp, onDown } = parts
    const remember = (error: AgentError) => {
      this.#lastTrouble = { error, atEpochMs: clock.now() }
    }
    client.on('connected', () => {
      log.info('connected to the cloud')
      onUp()
    })
    client.on('disconnected', error => {
      if (error.code !== 'CLOSED') {
        remember(error)
        log.warn('connection to the cloud lost', { code: error.code, error })
      }
      onDown()
    })
    client.on('rejected', remember)
    client.on('error', remember)
  }

  get lastTrouble(): Trouble | undefined {
    return this.#lastTrouble
  }
}
