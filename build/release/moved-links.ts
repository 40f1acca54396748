// SPDX-License-Identifier: Apache-2.0
/** Links of a page that is read from another folder than the one it lies in. */
import { posix } from 'node:path'

/**
 * `text` with its relative links as they are from the root of the checkout.
 *
 * @param folder where the page lies, from that root: `share/how-to`
 */
export function movedLinks(text: string, folder: string): string {
  return text.replace(/\]\((?![a-z]+:|#|\/)([^)\s#]+)((?:#[^)\s]*)?)\)/g, (_, path: string, anchor: string) => {
    const moved = posix.join(folder, path)
    return `](${moved}${anchor})`
  })
}
