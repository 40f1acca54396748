// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HealthReporter, healthTelemetry } from '../../../src/manager/device-facts/health-reporter.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { memoryLog } from '../../helpers/memory-log.ts'

test('gives a name and a number for each thing that the machine tells, and nothing for the others', () => {
  assert.deepEqual(healthTelemetry({ ownMemoryBytes: 5 }), [['health_agent_memory_bytes', 5]])
  const all = healthTelemetry({
    load: [0.5, 1, 2],
    memoryTotalBytes: 1000,
    memoryAvailableBytes: 250,
    diskTotalBytes: 300,
    diskFreeBytes: 100,
    uptimeS: 12.9,
    temperatureC: 41.26,
    ownMemoryBytes: 5,
  })
  assert.deepEqual(Object.fromEntries(all), {
    health_load_1min: 0.5,
    health_memory_used_percent: 75,
    health_disk_used_percent: 66.7,
    health_temperature_celsius: 41.3,
    health_uptime_seconds: 12,
    health_agent_memory_bytes: 5,
  })
})

test('reports at its interval, goes on after a failure, changes its interval, and stops', async () => {
  const clock = new FakeClock()
  let reads = 0
  const reporter = new HealthReporter({
    clock,
    log: memoryLog().log,
    publish: async () => {},
    read: async () => {
      reads++
      if (reads === 2) throw new Error('sick disk')
      return { ownMemoryBytes: 1 }
    },
  })
  reporter.start(0)
  assert.equal(clock.timers, 0)
  reporter.start(10)
  await clock.advance(20_000)
  assert.equal(reads, 3)
  reporter.start(10)
  await clock.advance(10_000)
  assert.equal(reads, 4)
  reporter.start(100)
  await clock.advance(99_000)
  assert.equal(reads, 5)
  reporter.stop()
  assert.equal(clock.timers, 0)
})
