// SPDX-License-Identifier: Apache-2.0
import { checkConfig } from '../config/check-config.ts'
import type { ConfigIo } from '../config/config-io.ts'
import { showConfig } from '../config/show-config.ts'
import type { DiagContext } from './diag-context.ts'
import type { Part } from './part.ts'

/** The configuration as `config show` and `config check` print it. */
export function settingsParts(context: DiagContext): readonly Part[] {
  const { appId, configDir, connectionFile, environment } = context
  const target = { appId, configDir, configFile: connectionFile, json: true }
  /** What a `config` command prints. */
  const printed = async (run: (io: ConfigIo) => Promise<number>) => {
    const lines: string[] = []
    const put = (line: string) => void lines.push(line)
    await run({ out: put, err: put, environment })
    return `${lines.join('\n')}\n`
  }
  return [
    {
      name: 'config-show.json',
      about: 'the effective settings and where each comes from, or the mistakes in an unreadable configuration',
      gather: () => printed(io => showConfig(target, io)),
    },
    {
      name: 'config-check.json',
      about: 'mistakes and risks in the configuration',
      gather: () => printed(io => checkConfig(target, io)),
    },
  ]
}
