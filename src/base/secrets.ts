// SPDX-License-Identifier: Apache-2.0
/** A secret of one or two characters would blank out half of every line and protect nothing. */
const minChars = 3

/** Texts that appear as `[hidden]` in what people read. */
export class Secrets {
  readonly #known = new Set<string>()

  /** From now on {@link hideIn} knows `secret`; one that is absent or too short is left out. */
  add(secret: string | undefined): void {
    if (secret !== undefined && secret.length >= minChars) this.#known.add(secret)
  }

  /** `text` with `[hidden]` for every secret. */
  hideIn(text: string): string {
    let hidden = text
    for (const secret of this.#known) if (hidden.includes(secret)) hidden = hidden.replaceAll(secret, '[hidden]')
    return hidden
  }
}

/** All that this process has read: the report of an error cannot know which log hides a secret. */
export const processSecrets = new Secrets()
