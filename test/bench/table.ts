// SPDX-License-Identifier: Apache-2.0
/** One figure beside its floor. */
export interface Row {
  readonly what: string
  readonly ours: string
  readonly floor: string
  /** What the project holds itself to, for a person to compare with. */
  readonly goal: string
  readonly ratio?: number
  readonly met: boolean
}

export function formatTable(rows: readonly Row[]): string {
  const head = ['what', 'device-cloud', 'bare program, same run', 'ratio', 'goal', '']
  const cells = rows.map(({ what, ours, floor, ratio, goal, met }) => [
    what,
    ours,
    floor,
    ratio === undefined ? '' : ratio.toFixed(2),
    goal,
    met ? 'met' : '**missed**',
  ])
  return [head, head.map(() => '---'), ...cells].map(line => `| ${line.join(' | ')} |`).join('\n')
}
