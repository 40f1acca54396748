/** A failed look-up, shaped as `getaddrinfo` reports it. */
export function lookUpError(code: 'ENOTFOUND' | 'EAI_AGAIN' | 'EAI_FAIL', hostname: string, why?: string): Error {
  const text = `look-up ${code} ${hostname}${why === undefined ? '' : ` (${why})`}`
  return Object.assign(new Error(text), { code, hostname })
}
