import { configCheck } from '../config-check.ts'
import type { ConfigIo } from '../config-io.ts'
import { configShow } from '../config-show.ts'
import type { DiagContext } from './diag-context.ts'
import type { Part } from './part.ts'

/** The configuration as `config show` and `config check` tell it. */
export function settingsParts(context: DiagContext): readonly Part[] {
  const { appId, configDir, connectionFile, environment } = context
  const target = { appId, configDir, configFile: connectionFile, json: true }
  /** What a command of the `config` family prints. */
  const said = async (run: (io: ConfigIo) => Promise<number>) => {
    const lines: string[] = []
    const put = (line: string) => void lines.push(line)
    await run({ out: put, err: put, environment })
    return `${lines.join('\n')}\n`
  }
  return [
    {
      name: 'config-show.json',
      about: 'the effective settings and where each comes from; the mistakes when it cannot be read',
      gather: () => said(io => configShow(target, io)),
    },
    {
      name: 'config-check.json',
      about: 'mistakes and risks in the configuration',
      gather: () => said(io => configCheck(target, io)),
    },
  ]
}
