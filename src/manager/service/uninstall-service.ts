// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { listFolder, removeEmptyFolder } from '../../platform/files/folders.ts'
import { readLink } from '../../platform/files/links.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { removeFile } from '../../platform/files/write-file.ts'
import { type ProgramOutcome, runProgram } from '../../platform/process/program.ts'
import { type Addition, additionsOf, sumOf } from './additions.ts'
import { type ServiceForm, serviceForms } from './service-file.ts'

export interface Removal {
  /** Paths on the device. */
  readonly removed: readonly string[]
  /** The additions that stay, and why. */
  readonly left: readonly string[]
}

const maxFileBytes = 1024 * 1024
const stopTimeoutMs = 90_000

/**
 * Removes the additions of `service install` and nothing else: files and links that were changed since stay, and folders that are
 * not empty. On the running device the service is stopped first.
 *
 * @throws AgentError `FILE_ACCESS`, `EXECUTION_FAILED` when the service cannot be stopped: then nothing is removed
 */
export async function uninstallService(request: { readonly root: string; readonly clock: Clock }): Promise<Removal> {
  const { root, clock } = request
  const removed: string[] = []
  const left: string[] = []
  // Several init systems share a path, and the command that stops the service.
  const forms = new Map(Object.values(serviceForms).map(form => [form.path, form]))
  for (const [path, form] of forms) {
    const place = join(root, path)
    if ((await fileFacts(place, { followLinks: false }))?.kind !== 'file') continue
    const text = await readBoundedText(place, maxFileBytes)
    const additions = additionsOf(text)
    if (additions === undefined) {
      left.push(`${path}: not written by "device-cloud service install"`)
      continue
    }
    if (root === '/') await stopService(form, clock)
    const take = async (addition: Addition) => {
      const reason = await removeAddition(root, addition)
      if (reason === undefined) removed.push(addition.path)
      else if (reason !== '') left.push(`${addition.path}: ${reason}`)
    }
    // The service file after the files that it lists: an interrupted removal can be repeated.
    const isAbove = (addition: Addition) => addition.kind === 'folder' && path.startsWith(`${addition.path}/`)
    const backwards = additions.toReversed()
    for (const addition of backwards.filter(one => !isAbove(one))) await take(addition)
    await removeFile(place)
    removed.push(path)
    for (const addition of backwards.filter(isAbove)) await take(addition)
    if (root === '/' && form.changedCommand !== undefined) await run(form.changedCommand, clock)
  }
  return { removed, left }
}

/** Why an addition stays; empty when it is gone already. */
async function removeAddition(root: string, addition: Addition): Promise<string | undefined> {
  const place = join(root, addition.path)
  const facts = await fileFacts(place, { followLinks: false })
  if (facts === undefined) return ''
  if (facts.kind !== addition.kind) return `is no ${addition.kind} any more`
  if (addition.kind === 'link') {
    if ((await readLink(place)) !== addition.leadsTo) return 'leads elsewhere now'
    await removeFile(place)
  } else if (addition.kind === 'file') {
    if (facts.bytes > maxFileBytes || sumOf(await readBoundedText(place, maxFileBytes)) !== addition.sum)
      return 'was changed'
    await removeFile(place)
  } else {
    if (!(await isEmpty(place))) return 'is not empty'
    await removeEmptyFolder(place)
  }
  return undefined
}

async function isEmpty(folder: string): Promise<boolean> {
  for await (const _ of listFolder(folder, { maxEntries: 1_000_000, maxDepth: 1 })) return false
  return true
}

async function stopService(form: ServiceForm, clock: Clock): Promise<void> {
  const outcome = await run(form.stopCommand, clock)
  if (outcome.exitCode === 0) return
  const said = `${outcome.stderr}${outcome.stdout}`.trim()
  const message = `the service cannot be stopped, and nothing was removed: ${form.stopCommand.join(' ')} ended with ${outcome.exitCode ?? outcome.ended}: ${said}`
  throw new AgentError('EXECUTION_FAILED', message, { details: { exitCode: outcome.exitCode, output: said } })
}

function run([file, ...args]: readonly [string, ...string[]], clock: Clock): Promise<ProgramOutcome> {
  return runProgram({ file, args, timeoutMs: stopTimeoutMs, maxOutputBytes: 4096, clock })
}
