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
import { usage } from '../shell/flags.ts'

export const command: Command = {
  name: 'diag',
  summary: 'Make one archive of everything that support needs to know, secrets left out.',
  description:
    'Works with a broken configuration, without a running device manager, and as any user; what cannot be had is noted. On a read-only system: "-o - > FILE", also over ssh. Disturbs nothing that runs.',
  flags: [
    ...targetFlags.filter(({ name }) => name !== 'json'),
    {
      name: 'output',
      short: 'o',
      value: 'FILE',
      summary: 'File to write, or - for stdout (default: device-cloud-diag-THING-TIME.tar.gz in the current folder).',
    },
    { name: 'no-network', summary: 'Do not try the way to the cloud.' },
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

/** `device-cloud-diag-pump-7-device_manager-20240305T101112Z`: whose it is and when. */
function archiveName({ thingKey }: DiagContext): string {
  const whose = (thingKey ?? String(machineFacts().nodename)).replace(/[^\w.-]+/g, '_').slice(0, 80)
  const time = new Date(systemClock.now()).toISOString().replace(/\.\d+|[:-]/g, '')
  return `device-cloud-diag-${whose}-${time}`
}

/** Writes the archive; the path of the file, or undefined for stdout. */
async function write(
  archive: AsyncIterable<Uint8Array>,
  output: string,
  terminal: Terminal,
): Promise<string | undefined> {
  if (output !== '-') return writeFile(archive, resolve(output))
  if (terminal.outIsTty) throw usage(command, 'stdout is a terminal; write "-o - > FILE.tar.gz"')
  for await (const chunk of archive) await terminal.outBytes(chunk)
  return undefined
}

/** A file of mode 0600 that appears when it is whole, and never in the place of another. */
async function writeFile(archive: AsyncIterable<Uint8Array>, path: string): Promise<string> {
  if ((await fileFacts(path, { followLinks: false })) !== undefined)
    throw new AgentError('FILE_ACCESS', `${path} exists already`, {
      details: { path },
      remedy: 'Name another file with -o.',
    })
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.diag.tmp`)
  const file = await createNewFile(temporary, 0o600).catch(error => {
    throw elsewhere(error)
  })
  try {
    for await (const chunk of archive) await file.write(chunk)
    await file.sync()
    await putInPlace(temporary, path)
  } catch (error) {
    await removeFile(temporary).catch(() => undefined)
    throw elsewhere(error)
  } finally {
    await file.close()
  }
  return path
}

/** Somewhere there is always a place for it. */
function elsewhere(error: unknown): unknown {
  if (!(error instanceof AgentError) || !['FILE_ACCESS', 'FILE_NOT_FOUND', 'DISK_FULL'].includes(error.code))
    return error
  const remedy = 'Name a file in another folder with -o (/tmp often is in memory), or send it on with "-o -".'
  return new AgentError(error.code, error.message, { cause: error, details: error.details, remedy })
}

function resultLines(reports: readonly PartReport[]): string[] {
  const bytes = reports.reduce((sum, report) => sum + report.bytes, 0)
  const missing = reports.filter(({ outcome }) => outcome === 'failed')
  return [
    ...missing.map(({ name, why }) => `${name} is not in it: ${why}`),
    `${reports.length - missing.length} of ${reports.length} parts, ${bytesText(bytes)} before compression.`,
    'Secrets are left out; look through it before you send it.',
  ]
}
