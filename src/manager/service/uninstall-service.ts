import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import { fileFacts } from '../../platform/file-facts.ts'
import { listFolder, removeEmptyFolder } from '../../platform/folders.ts'
import { runProgram } from '../../platform/program.ts'
import { readBoundedText } from '../../platform/read-file.ts'
import { readLink } from '../../platform/read-link.ts'
import { removeFile } from '../../platform/write-file.ts'
import { type Addition, additionsOf, sumOf } from './additions.ts'
import { serviceForms } from './service-file.ts'

export interface Removal {
  /** Paths on the device. */
  readonly removed: readonly string[]
  /** What stays although it was added, and why. */
  readonly left: readonly string[]
}

const mostFileBytes = 1024 * 1024
const stopTimeoutMs = 90_000

/**
 * Removes what `service install` added and nothing else: files and links that were changed since stay, and folders that hold
 * something. On the running device the service is stopped before.
 *
 * @throws AgentError `FILE_ACCESS`, `EXECUTION_FAILED` when the service cannot be stopped: then nothing is removed
 */
export async function uninstallService(request: { readonly root: string; readonly clock: Clock }): Promise<Removal> {
  const { root, clock } = request
  const removed: string[] = []
  const left: string[] = []
  for (const path of new Set(Object.values(serviceForms).map(form => form.path))) {
    const place = join(root, path)
    if ((await fileFacts(place, { followLinks: false }))?.kind !== 'file') continue
    const text = await readBoundedText(place, mostFileBytes)
    const additions = additionsOf(text)
    if (additions === undefined) {
      left.push(`${path}: not written by "device-cloud service install"`)
      continue
    }
    if (root === '/') await stopService(path, clock)
    // The service file last: it is the list, and an end in between can be made good by another try.
    for (const addition of additions.toReversed()) {
      const reason = await removeAddition(root, addition)
      if (reason === undefined) removed.push(addition.path)
      else if (reason !== '') left.push(`${addition.path}: ${reason}`)
    }
    await removeFile(place)
    removed.push(path)
  }
  return { removed, left }
}

/** Why it stays; empty when it is gone already. */
async function removeAddition(root: string, addition: Addition): Promise<string | undefined> {
  const place = join(root, addition.path)
  const facts = await fileFacts(place, { followLinks: false })
  if (facts === undefined) return ''
  if (facts.kind !== addition.kind) return `is no ${addition.kind} any more`
  if (addition.kind === 'link') {
    if ((await readLink(place)) !== addition.leadsTo) return 'leads elsewhere now'
    await removeFile(place)
  } else if (addition.kind === 'file') {
    if (facts.bytes > mostFileBytes || sumOf(await readBoundedText(place, mostFileBytes)) !== addition.sum)
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

async function stopService(path: string, clock: Clock): Promise<void> {
  const form = Object.values(serviceForms).find(one => one.path === path)
  if (form === undefined) return
  const [file, ...args] = form.stopCommand
  const outcome = await runProgram({ file, args, timeoutMs: stopTimeoutMs, maxOutputBytes: 4096, clock })
  if (outcome.exitCode === 0) return
  const said = messageOf(`${outcome.stderr}${outcome.stdout}`.trim())
  const message = `the service cannot be stopped, and nothing was removed: ${form.stopCommand.join(' ')} ended with ${outcome.exitCode ?? outcome.ended}: ${said}`
  throw new AgentError('EXECUTION_FAILED', message, { details: { exitCode: outcome.exitCode, output: said } })
}
