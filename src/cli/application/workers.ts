// SPDX-License-Identifier: Apache-2.0
import nodeModule from 'node:module'
import threads from 'node:worker_threads'

const libraryName = 'device-cloud'
const why =
  'The library device-cloud is not available in a worker thread. Use it in the main thread and send it the data of the worker with postMessage, or start the file with fork() of node:child_process, where the library is available.'

/** Runs in the worker first. It covers all the ways in which versions of Node load a module. */
const preload = `
import nodeModule from 'node:module'
const name = ${JSON.stringify(libraryName)}
const explained = cause => Object.assign(new Error(${JSON.stringify(why)}, { cause }), { code: cause?.code })
const load = nodeModule._load
nodeModule._load = function (request, ...rest) {
  if (request !== name) return load.call(this, request, ...rest)
  try { return load.call(this, request, ...rest) } catch (cause) { throw explained(cause) }
}
if (nodeModule.registerHooks !== undefined)
  nodeModule.registerHooks({ resolve(asked, context, next) {
    if (asked !== name) return next(asked, context)
    try { return next(asked, context) } catch (cause) { throw explained(cause) }
  } })
else nodeModule.register?.('data:text/javascript,' + encodeURIComponent(\`
  export const resolve = async (asked, context, next) => {
    if (asked !== \${JSON.stringify(name)}) return next(asked, context)
    try { return await next(asked, context) }
    catch (cause) { throw Object.assign(new Error(\${JSON.stringify(${JSON.stringify(why)})}), { code: cause?.code }) }
  }\`))
`

/**
 * Makes the error of a worker thread that loads the library say why it is missing: the library is in the memory of the main thread,
 * and there is no file to load it from.
 *
 * @param nodeArguments the options of Node for a worker that sets none
 */
export function explainToWorkers(nodeArguments: readonly string[]): void {
  const { Worker } = threads
  class ExplainedWorker extends Worker {
    constructor(file: string | URL, options: threads.WorkerOptions = {}) {
      const execArgv = [
        ...(options.execArgv ?? nodeArguments),
        '--import',
        `data:text/javascript,${encodeURIComponent(preload)}`,
      ]
      super(file, { ...options, execArgv })
    }
  }
  Object.defineProperty(ExplainedWorker, 'name', { value: 'Worker' })
  threads.Worker = ExplainedWorker
  nodeModule.syncBuiltinESMExports()
}
