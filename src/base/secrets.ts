const known = new Set<string>()

/** From now on {@link withoutSecrets} knows `secret`, in the whole process: a report of an error does not know whose log hid it. */
export function keepSecret(secret: string): void {
  known.add(secret)
}

/** `text` with `[hidden]` for every secret that this process has read. */
export function withoutSecrets(text: string): string {
  let hidden = text
  for (const secret of known) hidden = hidden.replaceAll(secret, '[hidden]')
  return hidden
}
