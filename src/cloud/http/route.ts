// SPDX-License-Identifier: Apache-2.0
/** Which requests to a path are served. */
export interface RouteRules {
  /** `:id` stands for a segment of letters and digits. */
  readonly path: string
  readonly methods: readonly string[]
  /**
   * The bodies that it takes. `json`: JSON types, which a foreign page cannot send without a CORS preflight; `any`: all, because
   * the path is a secret; `none`: the body is not read.
   */
  readonly body: 'json' | 'any' | 'none'
  /** Whether a link on a foreign page may open it: it shows nothing without a login. */
  readonly isLinkable?: true
  /** Whether the Origin of old agents is accepted, with `http:` or the host alone [TR50 6.2]: its path is a secret of one use. */
  readonly takesLooseOrigin?: true
}

/** The route of a path, and the id in the path. */
export function findRoute<R extends RouteRules>(
  routes: readonly R[],
  path: string,
): { route: R; id: string } | undefined {
  const segments = path.split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    if (pattern.length !== segments.length) continue
    let id = ''
    const matches = pattern.every((expected, at) => {
      const segment = segments[at] ?? ''
      if (expected !== ':id') return expected === segment
      id = segment
      return /^[A-Za-z0-9]{1,100}$/.test(segment)
    })
    if (matches) return { route, id }
  }
  return undefined
}
