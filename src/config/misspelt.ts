// SPDX-License-Identifier: Apache-2.0
import type { ConfigNote, ConfigProblem } from './settings.ts'

/**
 * Pairs missing settings with unknown keys of a close name: `cloud.prot` for `cloud.port`, `clod` for all of `cloud`, `host`
 * outside its section. Such a pair is one mistake, and is reported once, at the unknown key.
 *
 * @param missing problems of settings that are missing
 * @param notes notes about keys that are no settings
 * @returns both lists, each pair only among the problems
 */
export function pairMisspelt(
  missing: readonly ConfigProblem[],
  notes: readonly ConfigNote[],
): { readonly problems: readonly ConfigProblem[]; readonly notes: readonly ConfigNote[] } {
  const problems: ConfigProblem[] = []
  const used = new Set<ConfigNote>()
  for (const problem of missing) {
    const { key } = problem
    const note = key === undefined ? undefined : notes.find(one => isMeant(one, key))
    if (note === undefined) problems.push(problem)
    else if (!used.has(note)) problems.push(paired(problem, note))
    if (note !== undefined) used.add(note)
  }
  return { problems, notes: notes.filter(note => !used.has(note)) }
}

/** Whether the unknown key of a note is close to this setting, or to its section. */
function isMeant({ didYouMean, file }: ConfigNote, key: string): boolean {
  // An environment variable has another name than its setting.
  return didYouMean !== undefined && file !== 'environment' && (didYouMean === key || key.startsWith(`${didYouMean}.`))
}

function paired(problem: ConfigProblem, { file, line, key, didYouMean = '' }: ConfigNote): ConfigProblem {
  const isSection = didYouMean !== problem.key
  const what = isSection ? 'is missing' : problem.problem
  return {
    file: file ?? problem.file,
    line,
    key: didYouMean,
    problem: `${what}; "${key}", which is there, is no setting`,
    remedy: `Write it as "${didYouMean}".`,
    didYouMean,
  }
}
