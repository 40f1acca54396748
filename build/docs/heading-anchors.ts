// SPDX-License-Identifier: Apache-2.0
/** The anchors of one page's headings, as GitHub makes them: the pages are read there, and in the site that we make of them. */
export class HeadingAnchors {
  readonly #taken = new Set<string>()

  /** The anchor of the next heading, whose text carries no marks of Markdown any more. */
  add(heading: string): string {
    const anchor = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    const free = this.#taken.has(anchor) ? this.#numbered(anchor) : anchor
    this.#taken.add(free)
    return free
  }

  has(anchor: string): boolean {
    return this.#taken.has(anchor)
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#taken.values()
  }

  #numbered(anchor: string): string {
    let number = 1
    while (this.#taken.has(`${anchor}-${number}`)) number++
    return `${anchor}-${number}`
  }
}
