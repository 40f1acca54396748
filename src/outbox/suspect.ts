import { AgentError } from '../base/errors.ts'
import type { StoredItem } from './store.ts'

/** Smaller items are never suspected: no server closes the link over one. */
const leastBytes = 16 * 1024
const mostLosses = 10

/**
 * Finds the one item that ends the link each time it is sent: a server whose message limit is lower than ours closes the
 * connection without a word, for ever. Only a large item that was alone in its message, ten times in a row, is given up.
 */
export class Suspect {
  #sequence = -1
  #losses = 0

  /** The link was lost while `items` were on their way; answers why to give the item up, or undefined. */
  lost(items: readonly StoredItem[]): AgentError | undefined {
    const [item] = items
    if (item === undefined || items.length > 1 || item.json.length < leastBytes) return undefined
    this.#losses = item.sequence === this.#sequence ? this.#losses + 1 : 1
    this.#sequence = item.sequence
    if (this.#losses < mostLosses) return undefined
    return new AgentError(
      'LIMIT_EXCEEDED',
      `The link ended ${mostLosses} times while an item of ${item.json.length} bytes was sent; it is likely over the server's limit.`,
    )
  }
}
