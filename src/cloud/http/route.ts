/** What a way into the HTTPS port takes, whoever serves it. */
export interface RouteRules {
  /** `:id` stands for a segment of letters and digits. */
  readonly path: string
  readonly methods: readonly string[]
  /**
   * Which bodies it takes. `json`: a JSON type, which no page of elsewhere can send unasked; `any`: all of them, because the
   * path is a secret; `none`: it looks at none.
   */
  readonly body: 'json' | 'any' | 'none'
  /** A page that may be opened by a link on any other page: it shows nothing to whoever has not logged in. */
  readonly isLinkable?: true
  /** Whose path is a secret of one use, so that the Origin of old agents will do: that of `http:`, or the host alone [TR50 6.2]. */
  readonly takesLooseOrigin?: true
}

/** The route of a path, and the id in it. */
export function findRoute<R extends RouteRules>(
  routes: readonly R[],
  path: string,
): { route: R; id: string } | undefined {
  const words = path.split('/')
  for (const route of routes) {
    const wanted = route.path.split('/')
    if (wanted.length !== words.length) continue
    let id = ''
    const fits = wanted.every((want, at) => {
      const word = words[at] ?? ''
      if (want !== ':id') return want === word
      id = word
      return /^[A-Za-z0-9]{1,100}$/.test(word)
    })
    if (fits) return { route, id }
  }
  return undefined
}
