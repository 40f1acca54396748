import nodeModule from 'node:module'
import threads from 'node:worker_threads'

const libraryName = 'device-cloud'
const why =
  'The library device-cloud is not there in a worker thread: use it in the main thread and send what the worker has by postMessage, or start the file with fork() of node:child_process, which has the library.'

/** Node asks for a module by one of these codes. */
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
 * Lets a worker thread that asks for the library say why it is not there: the library is in the memory of the main thread, and there is
 * no file that a worker could load it from.
 *
 * @param nodeArguments the options of Node that this process was started with
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
