// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { AgentError, messageOf } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { readLink } from '../../platform/files/links.ts'
import { readLastLines } from '../../platform/files/read-part.ts'
import { systemNames } from '../../platform/system/system-file.ts'
import { checksOf } from '../checks/checks-of.ts'
import { runChecks } from '../checks/run-checks.ts'
import { askManagerOf, promptAnswerMs } from '../running-manager/ask-manager.ts'
import { managerOf } from '../running-manager/manager-view.ts'
import type { DiagContext } from './diag-context.ts'
import { fileSections, jsonText, type Part, section } from './part.ts'

const maxLogBytes = 192 * 1024
const maxDescriptors = 2_000

/** The status of the manager, its log, its process as the system shows it, and the checks of the way to the cloud. */
export function managerParts(context: DiagContext, options: { readonly network: boolean }): readonly Part[] {
  const { runtimeDir, configDir, settings } = context
  const ask = (request: JsonObject) => askManagerOf(runtimeDir, request, { timeoutMs: promptAnswerMs })
  const logFiles = new Set([
    ...(settings?.logFile === undefined ? [] : [settings.logFile]),
    // The file of "manager --log-to-file".
    join(configDir, 'device_manager.log'),
  ])
  return [
    {
      name: 'status.json',
      about: 'what the running device manager is doing',
      gather: async () => jsonText(await ask({ do: 'status' })),
    },
    {
      name: 'manager.log',
      about: 'the last lines of the log, from the memory of the running device manager',
      gather: async () => String((await ask({ do: 'log' })).text ?? ''),
    },
    {
      name: 'log-file.txt',
      about: 'the end of each log file',
      gather: () => logFileEnds([...logFiles]),
    },
    {
      name: 'manager-process.txt',
      about: 'memory, open files, limits and input/output of its process',
      gather: () => processText(runtimeDir),
    },
    ...(options.network ? [checkPart(context)] : []),
  ]
}

function checkPart({ appId, configDir, connectionFile, environment }: DiagContext): Part {
  return {
    name: 'check.json',
    about: 'the checks of the way to the cloud',
    gather: async () => {
      const checks = await checksOf({ appId, configDir, configFile: connectionFile, environment, identity: 'find' })
      const { reports, firstFailure } = await runChecks(checks, systemClock)
      // The member keeps its old name, because programs read it.
      return jsonText({ ok: firstFailure === undefined, rungs: reports.map(report => ({ ...report })) })
    },
  }
}

async function logFileEnds(paths: readonly string[]): Promise<string> {
  const there: string[] = []
  for (const path of paths) if ((await fileFacts(path)) !== undefined) there.push(path)
  if (there.length === 0) return 'There is no log file.\n'
  const sections: string[] = []
  for (const path of there) {
    try {
      const { text, isCut } = await readLastLines(path, Math.floor(maxLogBytes / there.length))
      sections.push(section(isCut ? `${path} (its end)` : path, text))
    } catch (error) {
      sections.push(section(path, `(${messageOf(error)})`))
    }
  }
  return sections.join('\n')
}

async function processText(runtimeDir: string): Promise<string> {
  const pid = await managerProcess(runtimeDir)
  if (pid === undefined) throw new AgentError('MANAGER_NOT_RUNNING', `No device manager uses ${runtimeDir}.`)
  const proc = `/proc/${pid}`
  const names = ['status', 'smaps_rollup', 'io', 'limits', 'cgroup', 'oom_score', 'oom_score_adj']
  const files = names.map(name => `${proc}/${name}`)
  return `${await fileSections(files)}\n${section(`${proc}/fd, by kind`, await descriptors(proc))}`
}

/** The process that holds the lock of the runtime folder, even when it does not answer; else the process that the status names. */
async function managerProcess(runtimeDir: string): Promise<number | undefined> {
  const manager = managerOf(runtimeDir)
  const holder = await manager.processId().catch(() => undefined)
  if (holder !== undefined) return holder
  const { pid } = await manager.ask({ do: 'status' })
  return typeof pid === 'number' ? pid : undefined
}

/** The number of open files of each kind: `socket 5`, `/dev/null 2`. */
async function descriptors(proc: string): Promise<string> {
  const names = await systemNames('/', `${proc}/fd`)
  const counts = new Map<string, number>()
  for (const name of names.slice(0, maxDescriptors)) {
    const target = (await readLink(`${proc}/fd/${name}`).catch(() => undefined)) ?? 'unknown'
    const kind = /^(\w+):\[\d+\]$/.exec(target)?.[1] ?? target
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const rows = [...counts].sort(([, one], [, other]) => other - one).map(([kind, count]) => `${kind} ${count}\n`)
  return `${names.length === 0 ? '(none are visible)' : `${names.length} open`}\n${rows.join('')}`
}
