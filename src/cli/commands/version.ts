// SPDX-License-Identifier: Apache-2.0
import { type BuildFacts, buildFacts } from '../../manager/build-facts.ts'
import type { Command } from '../shell/command.ts'

export const command: Command = {
  name: 'version',
  summary: 'Print the version, the commit and target of the build, and the version of Node.',
  description: '"device-cloud --version" prints the version alone.',
  flags: [{ name: 'json', summary: 'Print JSON, for programs.' }],
  async run(invocation, terminal) {
    const facts = buildFacts()
    terminal.out(invocation.has('json') ? `${JSON.stringify(facts)}\n` : versionText(facts))
    return 0
  },
}

/** The facts for a person, a line for each. */
export function versionText({ version, commit, target, node }: BuildFacts): string {
  const lines = [`device-cloud  ${version}`, `commit        ${commit ?? 'unknown'}`, `target        ${target}`]
  return `${[...lines, `Node          ${node}`].join('\n')}\n`
}
