// SPDX-License-Identifier: Apache-2.0
// Actions that an operator can run on this device from the cloud: with parameters, progress and values in the answer.
//
//   device-cloud config generate -f actions-example-connect.cfg     (once: host, port and token of your cloud)
//   device-cloud run actions.cjs                                    (or, with Node and the npm package: node actions.cjs)
//
// Settings come from actions-example-connect.cfg in the current folder; another folder can be given as an argument.
// In the cloud: method "blink" with { "times": 3 }, method "backup", method "list" with { "all": true }.
const { setTimeout: sleep } = require('node:timers/promises')
const { Client, Status } = require('device-cloud')

const client = new Client('actions-example', { configDir: process.argv[2] ?? '.' })

// Parameters are checked before the handler is called: a wrong one is answered with status 2 and its name.
// What the handler returns is the answer; params are the completion variables that the operator sees.
client.actions.register(
  'blink',
  async ({ params }, { progress, signal }) => {
    for (let done = 1; done <= params.times; done++) {
      await sleep(params.pause_ms ?? 100, undefined, { signal })
      await progress(`${done} of ${params.times}`)
    }
    return { status: Status.Success, message: 'done', params: { blinked: params.times } }
  },
  // After timeoutMs the operator gets status 16, and the signal ends the handler.
  { parameters: { times: { type: 'integer', required: true }, pause_ms: { type: 'number' } }, timeoutMs: 30_000 },
)

// A long job says at once that it has begun, and answers when it is done. An error that is thrown is status 19 with its text.
client.actions.register('backup', (_request, context) => {
  const work = async () => {
    await context.progress('collecting')
    await sleep(200, undefined, { signal: context.signal })
    await context.progress('packing')
    await context.acknowledge({ status: Status.Success, params: { files: 12 } })
  }
  work().catch(error => context.acknowledge({ status: Status.Failure, message: error.message }))
  return Status.Invoked
})

// A program, started without a shell: { "all": true } becomes --all. Its exit code and output are in the answer.
client.actions.registerCommand('list', ['ls', '-l'], { parameters: { all: { type: 'boolean' } } })

let isStopping = false
const stop = async () => {
  if (isStopping) return
  isStopping = true
  // The signal of actions that still run is aborted, and they are answered before the connection ends.
  await client.disconnect({ waitForReplies: true, timeoutMs: 10_000 })
  console.log('stopped')
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

// Actions are registered before: calls that wait in the cloud come with the connection.
client.connect().then(
  () => console.log('ready for actions as', client.thingKey),
  error => {
    if (isStopping) return
    console.error(error.message)
    process.exit(error.exitCode ?? 1)
  },
)
