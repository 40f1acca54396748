// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { AgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject } from '../../base/json.ts'
import { readBoundedFile } from '../../platform/files/read-file.ts'
import { createFile } from '../../platform/files/write-file.ts'
import { expectSame, notProven, until, type ValidationCheck, type ValidationContext } from './validation-context.ts'

/** Several chunks, and an odd number of bytes. */
const contentBytes = 300_001

/** Files in both directions and both stores. `globalName` must be unique in the cloud. */
export function fileChecks(globalName: string): readonly ValidationCheck[] {
  const content = randomBytes(contentBytes)
  return [
    ...inStore('file', 'validate.bin', content, {}),
    ...inStore('empty file', 'validate-empty.bin', Buffer.alloc(0), {}),
    ...inStore('global file', globalName, content, { global: true }),
    {
      name: 'missing file',
      run: async ({ device }, signal) => {
        const client = await device.connected(signal)
        try {
          await client.files.download('validate-missing.bin', device.path('missing'), { signal })
        } catch (error) {
          if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return 'reported as missing'
          throw error
        }
        throw notProven('a file that was never stored could be downloaded')
      },
    },
  ]
}

interface StoredFile {
  readonly fileName: string
  readonly content: Buffer
  readonly store: FileStore
}

type FileStore = { readonly global?: true }

/** Uploads a file, compares the content that the operator gets, and downloads it again. */
function inStore(name: string, fileName: string, content: Buffer, store: FileStore): readonly ValidationCheck[] {
  const file = { fileName, content, store }
  return [
    { name: `${name} up`, run: (context, signal) => upload(file, context, signal) },
    { name: `${name} down`, needs: [`${name} up`], run: (context, signal) => download(file, context, signal) },
  ]
}

async function upload(
  { fileName, content, store }: StoredFile,
  context: ValidationContext,
  signal: AbortSignal,
): Promise<string> {
  const { device, operator } = context
  const path = device.path(fileName)
  await createFile(path, content)
  await (await device.connected(signal)).files.upload(path, { name: fileName, signal, ...store })
  await until(context, signal, async () => {
    const { result } = await operator.do('file.list', storeOf(context, store), { signal })
    const files = Array.isArray(result) ? result.filter(isJsonObject) : []
    const { length } = files.find(file => file.fileName === fileName) ?? {}
    expectSame(`the size of ${fileName} in the list`, length, content.length)
  })
  const { fileId } = await operator.do('file.get', { ...storeOf(context, store), fileName }, { signal })
  if (typeof fileId !== 'string') throw notProven(`the operator gets no id for ${fileName}`)
  const stored = await operator.readFile(fileId, signal)
  if (!stored.equals(content))
    throw notProven(`the operator gets ${stored.length} bytes for ${fileName}, and they are not the uploaded ones`)
  return `${content.length} bytes, as the operator gets them`
}

async function download(
  { fileName, content, store }: StoredFile,
  { device }: ValidationContext,
  signal: AbortSignal,
): Promise<string> {
  const path = device.path(`down-${fileName}`)
  const { verified } = await (await device.connected(signal)).files.download(fileName, path, { signal, ...store })
  const back = await readBoundedFile(path, contentBytes)
  if (!back.equals(content))
    throw notProven(`${back.length} bytes came back for ${fileName}, and they are not the uploaded ones`)
  return `${back.length} bytes, checked by ${verified}`
}

function storeOf({ device }: ValidationContext, { global }: FileStore): JsonObject {
  return { thingKey: device.thingKey, global }
}
