import type { ConfigNote, ConfigProblem } from './settings.ts'

/**
 * Settings that are missing, beside keys that mean nothing and whose name is close: `cloud.prot` for `cloud.port`, `clod` for
 * all of `cloud`, `host` that was to stand in a section. That is one mistake, and it is told once, where the key stands.
 *
 * @param missing settings that are not there
 * @param notes what there is to say about keys that are no settings
 * @returns both again, without what is now told with the other
 */
export function pairMisspelt(
  missing: readonly ConfigProblem[],
  notes: readonly ConfigNote[],
): { readonly problems: readonly ConfigProblem[]; readonly notes: readonly ConfigNote[] } {
  const problems: ConfigProblem[] = []
  const told = new Set<ConfigNote>()
  for (const problem of missing) {
    const { key } = problem
    const note = key === undefined ? undefined : notes.find(one => isMeant(one, key))
    if (note === undefined) problems.push(problem)
    else if (!told.has(note)) problems.push(paired(problem, note))
    if (note !== undefined) told.add(note)
  }
  return { problems, notes: notes.filter(note => !told.has(note)) }
}

/** Whether a key that means nothing is close to this setting, or to its section. */
function isMeant({ didYouMean, file }: ConfigNote, key: string): boolean {
  // A variable of the environment has names of its own.
  return didYouMean !== undefined && file !== 'environment' && (didYouMean === key || key.startsWith(`${didYouMean}.`))
}

function paired(problem: ConfigProblem, { file, line, key, didYouMean = '' }: ConfigNote): ConfigProblem {
  const isSection = didYouMean !== problem.key
  const what = isSection ? 'is missing' : problem.problem
  return {
    file: file ?? problem.file,
    ...(line === undefined ? {} : { line }),
    key: didYouMean,
    problem: `${what}; "${key}", which stands there, is no setting`,
    remedy: `Write it as "${didYouMean}".`,
    didYouMean,
  }
}
