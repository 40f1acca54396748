// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { asAgentError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { scanRecords } from '../../base/record.ts'
import { parseSegmentName } from '../../outbox/flash/segment-names.ts'
import { type FolderEntry, listFolder } from '../../platform/files/folders.ts'
import { readBoundedFile } from '../../platform/files/read-file.ts'
import type { DiagContext } from './diag-context.ts'
import { jsonText, type Part } from './part.ts'

const maxEntries = 3_000
/** How much of the queue is read to count its records. */
const maxCountedBytes = 32 * 1024 * 1024

/** The files in the folders of the agent, without their content, and the counts of the queue on flash. */
export function folderParts({ configDir, runtimeDir, queueDir }: DiagContext): readonly Part[] {
  return [
    {
      name: 'folders.txt',
      about: 'names, sizes, modes and times of the files of configuration, runtime folder and queue',
      // The folder of the configuration may hold other things too, so its sub-folders are not listed.
      gather: async () =>
        [await listing(configDir, 1), await listing(runtimeDir, 4), await listing(queueDir, 2)].join('\n'),
    },
    {
      name: 'queue.json',
      about: 'counts of the samples and actions in the queue on flash',
      gather: async () => jsonText(await queueFacts(queueDir)),
    },
  ]
}

/** Much as `ls -lR` prints it. A listing that had to stop early ends with the reason. */
async function listing(folder: string, maxDepth: number): Promise<string> {
  const lines = [`=== ${folder}`]
  try {
    for await (const entry of listFolder(folder, { maxEntries, maxDepth })) lines.push(lineOf(entry))
  } catch (error) {
    lines.push(`(${asAgentError(error).message})`)
  }
  return `${lines.join('\n')}\n`
}

function lineOf({ path, facts }: FolderEntry): string {
  const { kind, mode, ownerId, groupId, bytes, modifiedMs } = facts
  const owner = `${ownerId}:${groupId}`.padEnd(11)
  const time = new Date(modifiedMs).toISOString().slice(0, 19)
  // A name may hold any character, even a line end.
  return `${kind.padEnd(6)} ${mode.toString(8).padStart(4, '0')} ${owner} ${String(bytes).padStart(10)} ${time} ${JSON.stringify(path)}`
}

type FileCount = { files: number; bytes: number; records: number; damagedBytes: number }

/** For each thing, the segments of each lane and the journal, with the number of their records. Changes nothing. */
async function queueFacts(queueDir: string): Promise<JsonObject> {
  const things: Record<string, Record<string, FileCount>> = {}
  const unread: string[] = []
  let leftBytes = maxCountedBytes
  try {
    for await (const { path, facts } of listFolder(queueDir, { maxEntries, maxDepth: 2 })) {
      const [thing, name] = path.split('/')
      if (facts.kind !== 'file' || thing === undefined || name === undefined) continue
      const ofThing = things[thing] ?? {}
      things[thing] = ofThing
      const kind = parseSegmentName(name)?.lane ?? name
      const count = ofThing[kind] ?? { files: 0, bytes: 0, records: 0, damagedBytes: 0 }
      ofThing[kind] = count
      count.files++
      count.bytes += facts.bytes
      try {
        const content = await readBoundedFile(join(queueDir, path), leftBytes)
        leftBytes -= content.length
        const { damagedBytes } = scanRecords(content, () => {
          count.records++
          return undefined
        })
        count.damagedBytes += damagedBytes
      } catch (error) {
        unread.push(asAgentError(error).message)
      }
    }
  } catch (error) {
    unread.push(asAgentError(error).message)
  }
  return { queueDir, things, unread }
}
