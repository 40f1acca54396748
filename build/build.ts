// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run build [-- --target all|x64|arm64|armv7] [--node PATH] [--injector own|postject] [--sizes [--write]]`:
 * the library, the command for Node, and the executables, in dist/. `--write` puts the sizes into the page of figures.
 */
import { chmod, constants, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BuildError, type Report, runAsProgram } from './build-error.ts'
import { type Bundle, bundleAgent } from './bundle/bundle.ts'
import { buildLibrary } from './bundle/library.ts'
import { ledgerComplaints } from './documents/ledger.ts'
import { writeSizes } from './documents/size-page.ts'
import { buildExecutable, injectors } from './executable/executable.ts'
import { measure, overBudget, type Sizes, sizeTable } from './executable/sizes.ts'
import { distFolder, root } from './places.ts'
import { readTarget, type TargetName, targetNames, targetOfThisMachine } from './target.ts'

const report: Report = line => console.error(`build: ${line}`)

interface BuildOptions {
  readonly targets: readonly TargetName[]
  readonly node?: string | undefined
  readonly injector: (typeof injectors)[number]
  readonly sizes: boolean
  readonly write: boolean
}

await runAsProgram(async () => {
  const options = readOptions(process.argv.slice(2))
  report('the library ...')
  await buildLibrary()
  report('the bundle ...')
  const bundle = await bundleAgent()
  for (const complaint of await ledgerComplaints(bundle)) report(complaint)
  await writeCommand(bundle)
  const rows: Sizes[] = []
  const complaints: string[] = []
  for (const name of options.targets) {
    const [sizes, over] = await buildOne(name, bundle, options)
    rows.push(sizes)
    complaints.push(...over)
  }
  if (rows.length > 0) console.log(`\n${sizeTable(rows)}\n`)
  if (options.write) writeSizes(rows)
  if (complaints.length > 0) throw new BuildError(complaints.join('\n       '))
})

/** Writes the command for machines that have Node: the same script that executables contain. */
async function writeCommand(bundle: Bundle): Promise<void> {
  const place = join(root, distFolder, 'cli.cjs')
  await writeFile(`${place}.new`, Buffer.concat([Buffer.from('#!/usr/bin/env node\n'), bundle.code]))
  await chmod(`${place}.new`, 0o755)
  await rename(`${place}.new`, place)
}

async function buildOne(name: TargetName, bundle: Bundle, options: BuildOptions): Promise<[Sizes, string[]]> {
  const target = readTarget(name)
  const { node, injector } = options
  // A developer's machine may lack strip. A caller who names a target is going to ship it.
  const unstrippedAllowed = !process.argv.includes('--target') && process.env.CI === undefined
  const executable = await buildExecutable({ target, bundle, injector, node, unstrippedAllowed, report })
  const place = join(root, distFolder, target.file)
  await mkdir(join(root, distFolder), { recursive: true })
  await copyFile(executable.path, `${place}.new`, constants.COPYFILE_FICLONE)
  await rename(`${place}.new`, place).catch(async error => {
    await rm(`${place}.new`, { force: true })
    throw error
  })
  report(`${distFolder}/${target.file}`)
  const sizes = await measure(target, executable, options.sizes, report)
  // The budget is for the pinned Node; the caller's own may have any size.
  return [sizes, node === undefined ? overBudget(sizes, target.budget) : []]
}

function readOptions(args: string[]): BuildOptions {
  const { values } = parse(args)
  const injector = injectors.find(name => name === (values.injector ?? 'own'))
  if (injector === undefined) throw new BuildError(`--injector ${values.injector}: give ${injectors.join(' or ')}.`)
  const targets = targetsOf(values.target)
  if (values.node !== undefined && targets.length !== 1)
    throw new BuildError('--node is the Node of one target. Name the target with --target.')
  return { targets, node: values.node, injector, sizes: values.sizes ?? false, write: values.write ?? false }
}

function parse(args: string[]) {
  try {
    const string = { type: 'string' } as const
    const boolean = { type: 'boolean' } as const
    const options = { target: string, node: string, injector: string, sizes: boolean, write: boolean }
    return parseArgs({ args, options })
  } catch (error) {
    throw new BuildError(error instanceof Error ? error.message : String(error))
  }
}

function targetsOf(target: string | undefined): readonly TargetName[] {
  if (target === 'all') return targetNames
  if (target === undefined) {
    const own = targetOfThisMachine()
    if (own !== undefined) return [own]
    report(
      `no executable is made, because there is no target for ${process.platform} ${process.arch}; name a target with --target`,
    )
    return []
  }
  const named = targetNames.find(name => name === target)
  if (named === undefined) throw new BuildError(`--target ${target}: give ${targetNames.join(', ')} or all.`)
  return [named]
}
