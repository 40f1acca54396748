// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const tests = fileURLToPath(new URL('../../', import.meta.url))

/** A machine that is busy is no defect: speed is measured by benchmarks, as a ratio within one run. */
const measures = /\bperformance\.now\(/

test('no test measures how long its subject takes', () => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter(file =>
    /^(?:unit|integration|system)\/.*\.test\.ts$/.test(file),
  )
  assert.ok(files.length > 100)
  const measuring = files.filter(file => measures.test(readFileSync(join(tests, file), 'utf8')))
  assert.deepEqual(measuring, [])
})
