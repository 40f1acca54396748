// SPDX-License-Identifier: Apache-2.0
/** `device-cloud manager` with less patience for its memory: seconds instead of minutes. */

import { command } from '../../../src/cli/commands/manager.ts'
import { runManager } from '../../../src/cli/manager-process/manager-process.ts'
import { parseInvocation } from '../../../src/cli/shell/flags.ts'
import { memoryTimes } from '../../../src/manager/memory/memory-watch.ts'

const times = { ...memoryTimes, sampleMs: 200, drainSampleMs: 100, patienceMs: 1000, relieveMs: 400 }
process.exit(await runManager(parseInvocation(command, process.argv.slice(2)), { memoryTimes: times }))
