// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError } from '../../base/errors.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { createNewFile } from '../../platform/files/new-file.ts'
import { putInPlace } from '../../platform/files/put-in-place.ts'
import { removeFile } from '../../platform/files/write-file.ts'
import { processEnvironment } from '../../platform/process/process-facts.ts'
import { machineFacts } from '../../platform/process/runtime-facts.ts'
import { configPlaceOf } from '../config/config-flags.ts'
import { targetFlags } from '../config/config-io.ts'
import { type DiagContext, findDiagContext } from '../diag/diag-context.ts'
import { folderParts } from '../diag/folder-parts.ts'
import { knownSecrets } from '../diag/known-secrets.ts'
import { managerParts } from '../diag/manager-parts.ts'
import { type PartReport, packParts } from '../diag/pack.ts'
import { Redaction } from '../diag/redaction.ts'
import { settingsParts } from '../diag/settings-parts.ts'
import { systemParts } from '../diag/system-parts.ts'
import { bytesText } from '../shell/bytes-text.ts'
import type { Command, Invocation, Terminal } from '../shell/command.ts'
import { jsonFlag, usage } from '../shell/flags.ts'

export const command: Command = {
  name: 'diag',
  summary: 'Make one archive of all facts that support needs, without secrets.',
  description:
    'Works with a broken configuration, without a running device manager, and as any user. The archive notes what could not be read. On a read-only system use "-o - > FILE", also over ssh. It disturbs no running program.',
  flags: [
    ...targetFlags.filter(flag => flag !== jsonFlag),
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      summary: 'File to write, or - for stdout (default: device-cloud-diag-THING-TIME.tar.gz in the current folder).',
    },
    { name: 'no-network', summary: 'Do not check the way to the cloud.' },
  ],
  async run(invocation, terminal) {
    const context = await findDiagContext({ ...configPlaceOf(invocation), environment: processEnvironment() })
    const reports: PartReport[] = []
    const folder = archiveName(context)
    const archive = packParts({
      folder,
      parts: partsOf(context, invocation),
      redaction: new Redaction(await knownSecrets(context)),
      clock: systemClock,
      onPart: report => void reports.push(report),
    })
    const path = await write(archive, invocation.value('output') ?? `${folder}.tar.gz`, terminal)
    if (path !== undefined) terminal.out(`${path}\n`)
    for (const line of resultLines(reports)) terminal.err(`${line}\n`)
    return 0
  },
}

function partsOf(context: DiagContext, invocation: Invocation) {
  const network = !invocation.has('no-network')
  return [
    ...systemParts(context),
    ...settingsParts(context),
    ...managerParts(context, { network }),
    ...folderParts(context),
  ]
}

/** With the thing key, else the host name, and the time: `device-cloud-diag-pump-7-device_manager-20240305T101112Z`. */
function archiveName({ thingKey }: DiagContext): string {
  const subject = (thingKey ?? String(machineFacts().nodename)).replace(/[^\w.-]+/g, '_').slice(0, 80)
  const time = new Date(systemClock.now()).toISOString().replace(/\.\d+|[:-]/g, '')
  return `device-cloud-diag-${subject}-${time}`
}

/** Writes the archive. Resolves to the path of the file, or to undefined for stdout. */
async function write(
  archive: AsyncIterable<Uint8Array>,
  output: string,
  terminal: Terminal,
): Promise<string | undefined> {
  if (output !== '-') return writeFile(archive, resolve(output))
  if (terminal.outIsTty) throw usage(command, 'stdout is a terminal; use "-o - > FILE.tar.gz"')
  for await (const chunk of archive) await terminal.outBytes(chunk)
  return undefined
}

/** Writes a file of mode 0600. It appears only when it is complete, and replaces no other file. */
async function writeFile(archive: AsyncIterable<Uint8Array>, path: string): Promise<string> {
  if ((await fileFacts(path, { followLinks: false })) !== undefined)
    throw new AgentError('FILE_ACCESS', `${path} exists already.`, {
      details: { path },
      remedy: 'Name another file with -o.',
    })
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.diag.tmp`)
  const file = await createNewFile(temporary, 0o600).catch(error => {
    throw withOtherFolder(error)
  })
  try {
    for await (const chunk of archive) await file.write(chunk)
    await file.sync()
    await putInPlace(temporary, path)
  } catch (error) {
    await removeFile(temporary).catch(() => undefined)
    throw withOtherFolder(error)
  } finally {
    await file.close()
  }
  return path
}

/** Adds a remedy: some other place can always be written to. */
function withOtherFolder(error: unknown): unknown {
  if (!(error instanceof AgentError) || !['FILE_ACCESS', 'FILE_NOT_FOUND', 'DISK_FULL'].includes(error.code))
    return error
  const remedy =
    'Name a file in another folder with -o (/tmp is often in memory), or write the archive to stdout with "-o -".'
  return new AgentError(error.code, error.message, { cause: error, details: error.details, remedy })
}

function resultLines(reports: readonly PartReport[]): string[] {
  const bytes = reports.reduce((sum, report) => sum + report.bytes, 0)
  const missing = reports.filter(({ outcome }) => outcome === 'failed')
  return [
    ...missing.map(({ name, why }) => `${name} is missing: ${why}`),
    `${reports.length - missing.length} of ${reports.length} parts, ${bytesText(bytes)} before compression.`,
    'Secrets are removed, but look through the archive before you send it.',
  ]
}
