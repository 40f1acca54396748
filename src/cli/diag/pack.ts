// SPDX-License-Identifier: Apache-2.0
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Clock } from '../../base/clock.ts'
import { AgentError, asAgentError } from '../../base/errors.ts'
import { withDeadline } from '../../base/wait.ts'
import { tarEnd, tarHeader, tarPadding } from '../../platform/files/tar-blocks.ts'
import { jsonText, type Part } from './part.ts'
import type { Redaction } from './redaction.ts'

/** Maximum size of one part and of all parts, before compression, and maximum time for one part. */
export const archiveLimits = { partBytes: 256 * 1024, allBytes: 2 * 1024 * 1024, partMs: 120_000 }

/** The outcome of gathering a part. */
export interface PartReport {
  readonly name: string
  readonly about: string
  readonly outcome: 'there' | 'cut' | 'failed'
  readonly bytes: number
  readonly tookMs: number
  /** Why the part is missing or cut. */
  readonly why?: string | undefined
}

export interface PackParts {
  /** Name of the one folder in the archive. */
  readonly folder: string
  readonly parts: readonly Part[]
  readonly redaction: Redaction
  readonly clock: Clock
  readonly limits?: typeof archiveLimits | undefined
  readonly onPart?: ((report: PartReport) => void) | undefined
}

/**
 * The parts as a `.tar.gz`, chunk by chunk. One part after the other is gathered, cleaned of secrets, written and released, so that
 * memory never holds them all. A part that fails is noted in `summary.json`, which comes last.
 */
export function packParts(what: PackParts): AsyncIterable<Uint8Array> {
  return Readable.from(tarOf(what)).pipe(createGzip({ level: 9 }))
}

async function* tarOf({ folder, parts, redaction, clock, limits = archiveLimits, onPart }: PackParts) {
  const modifiedMs = Math.max(0, clock.now())
  const file = function* (name: string, content: Buffer) {
    const entry = { path: `${folder}/${name}`, type: 'File', mode: 0o600, bytes: content.length, modifiedMs } as const
    yield Buffer.concat([tarHeader(entry), content, tarPadding(content.length)])
  }
  yield tarHeader({ path: folder, type: 'Directory', mode: 0o700, bytes: 0, modifiedMs })
  yield* file('README.txt', Buffer.from(redaction.clean(readme(parts))))
  const reports: PartReport[] = []
  let leftBytes = limits.allBytes
  for (const part of parts) {
    const { content, report } = await gather(part, {
      redaction,
      clock,
      maxMs: limits.partMs,
      maxBytes: Math.min(limits.partBytes, leftBytes),
    })
    leftBytes -= content.length
    reports.push(report)
    onPart?.(report)
    if (report.outcome !== 'failed') yield* file(part.name, content)
  }
  yield* file('summary.json', Buffer.from(redaction.clean(jsonText({ parts: reports.map(one => ({ ...one })) }))))
  yield tarEnd()
}

interface GatherOptions {
  readonly redaction: Redaction
  readonly clock: Clock
  readonly maxMs: number
  readonly maxBytes: number
}

async function gather(
  part: Part,
  { redaction, clock, maxMs, maxBytes }: GatherOptions,
): Promise<{ content: Buffer; report: PartReport }> {
  const startedMs = clock.monotonicMs()
  const result = (outcome: PartReport['outcome'], content: Buffer, why?: string) => {
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    const { name, about } = part
    return { content, report: { name, about, outcome, bytes: content.length, tookMs, why } }
  }
  try {
    if (maxBytes <= 0) throw new AgentError('LIMIT_EXCEEDED', 'The archive is full.')
    const late = () => new AgentError('TIMEOUT', `The part was not gathered within ${maxMs / 1000} s.`)
    // Cut only after cleaning, because half of a secret would not be recognised.
    const content = Buffer.from(redaction.clean(await withDeadline(clock, maxMs, late, () => part.gather())))
    if (content.length <= maxBytes) return result('there', content)
    return result('cut', content.subarray(0, maxBytes), `${content.length} bytes, of which ${maxBytes} fit`)
  } catch (error) {
    const { code, message } = asAgentError(error)
    return result('failed', Buffer.alloc(0), redaction.clean(`${code}: ${message}`))
  }
}

function readme(parts: readonly Part[]): string {
  const width = Math.max(...parts.map(({ name }) => name.length), 'summary.json'.length)
  const rows = [...parts, { name: 'summary.json', about: 'which parts are in the archive, and why others are missing' }]
  return `Facts about a device and its agent, for support. Made by "device-cloud diag".
Tokens, passwords, user names, addresses with keys and file contents are removed; look through it before you send it.

${rows.map(({ name, about }) => `${name.padEnd(width)}  ${about}\n`).join('')}`
}
