// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { tempDir } from './temp-dir.ts'

/** Why programs cannot be run under another wall clock here, or false. */
export function fakeTimeMissing(): string | false {
  return spawnSync('faketime', ['--version']).status === 0
    ? false
    : 'faketime is not installed (Debian package faketime)'
}

/** A wall clock for child processes, OpenSSL included, that a test sets while they run. Their monotonic clock is the real one. */
export function fakeTime(t: TestContext): { environment: NodeJS.ProcessEnv; set(time: string): void } {
  const file = join(tempDir(t), 'time')
  // The program knows where its library is.
  const printed = spawnSync('faketime', ['-f', '+0', 'env'], { encoding: 'utf8' }).stdout
  const library = /^LD_PRELOAD=(.*)$/m.exec(printed)?.[1] ?? ''
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      TZ: 'UTC',
    },
    /** `@1970-01-01 00:00:10` starts a clock there, `+50y` and `-1h` are off by so much, `+0` is right. */
    set: time => writeFileSync(file, `${time}\n`),
  }
}
