// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

/** One thing that `service install` put on the device. Paths are those of the device. */
export type Addition =
  | { readonly kind: 'folder'; readonly path: string }
  /** `sum`: SHA-256 of the written content, so that a file that was changed since is not removed. */
  | { readonly kind: 'file'; readonly path: string; readonly sum: string }
  | { readonly kind: 'link'; readonly path: string; readonly leadsTo: string }

const head =
  '# Written by "device-cloud service install". "device-cloud service uninstall" removes this file and what it lists:'
const line = /^# \+ (folder|file|link) (\/\S+)(?: (\S+))?$/

/** The service file with a list of the additions in comments at its end, so that no other file has to keep it. */
export function withAdditions(text: string, additions: readonly Addition[]): string {
  const lines = additions.map(addition => {
    if (addition.kind === 'folder') return `# + folder ${addition.path}`
    return `# + ${addition.kind} ${addition.path} ${addition.kind === 'file' ? addition.sum : addition.leadsTo}`
  })
  return `${[text.trimEnd(), '', head, ...lines].join('\n')}\n`
}

/** The additions that a service file lists; undefined when `service install` has not written it. */
export function additionsOf(text: string): readonly Addition[] | undefined {
  const at = text.lastIndexOf(head)
  if (at < 0) return undefined
  return text
    .slice(at)
    .split('\n')
    .flatMap((one): Addition[] => {
      const [, kind, path, rest] = line.exec(one) ?? []
      if (path === undefined || path.includes('/../')) return []
      if (kind === 'folder') return [{ kind, path }]
      if (rest === undefined) return []
      return [kind === 'file' ? { kind, path, sum: rest } : { kind: 'link', path, leadsTo: rest }]
    })
}

export function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
