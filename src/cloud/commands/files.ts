// SPDX-License-Identifier: Apache-2.0
import { type Commands, type Context, refuseByFault, sessionOf, thingOf } from '../requests/command.ts'
import { asListed, type StoredFile } from '../store/file-store.ts'
import { badParameter, notFound } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'
import { flag, optionalInteger, optionalText, page, requiredText, textList } from '../values/params.ts'

const maxNameChars = 1024

export const fileCommands: Commands = {
  'file.put': (params, context) => {
    const { state } = context
    const name = nameIn(params)
    const thingKey = storeIn(params, context)
    refuseByFault(context, 'file.put', name)
    const ticket = state.files.ticketToPut({
      thingKey,
      name,
      crc32: crcIn(params),
      isPublic: flag(params, 'public'),
      tags: textList(params, 'tags') ?? [],
      secTags: textList(params, 'secTags') ?? [],
      logComplete: flag(params, 'logComplete'),
    })
    return { fileId: ticket.id }
  },

  'file.get': (params, context) => {
    const { state, session } = context
    const file = existing(params, context)
    refuseByFault(context, 'file.get', file.name)
    const circumstances = { thingKey: session?.thing?.key, transport: session?.transport, commands: ['file.get'] }
    const crc32 = state.faults.take('wrongCrc', circumstances) ? (file.crc32 ^ 0x5a5a5a5a) >>> 0 : file.crc32
    const fileSize = state.faults.take('wrongSize', circumstances) ? file.bytes + 1 : file.bytes
    const fileId = state.files.ticketToGet(file).id
    return state.faults.take('noCrc', circumstances) ? { fileId, fileSize } : { fileId, fileSize, crc32 }
  },

  'file.list': (params, context) => {
    const tags = textList(params, 'tags') ?? []
    const files = context.state.files
      .list(storeIn(params, context))
      .filter(file => tags.every(tag => file.tags.includes(tag)))
    return page(params, files.map(asListed))
  },

  'file.info': (params, context) => asListed(existing(params, context)),

  'file.delete': async (params, context) => {
    await context.state.files.delete(existing(params, context))
    return undefined
  },
}

function nameIn(params: JsonObject): string {
  const name = requiredText(params, 'fileName')
  if (name.length > maxNameChars) throw badParameter(`fileName is longer than ${maxNameChars} characters.`)
  return name
}

/** The key of the thing whose store is meant; undefined with `global`: the store of the organisation [TR50 5.3]. */
function storeIn(params: JsonObject, context: Context): string | undefined {
  sessionOf(context)
  return flag(params, 'global') ? undefined : thingOf(params, context).key
}

function existing(params: JsonObject, context: Context): StoredFile {
  const file = context.state.files.find(storeIn(params, context), nameIn(params))
  if (file === undefined) throw notFound(`File ${optionalText(params, 'fileName')?.slice(0, 100)}`)
  return file
}

function crcIn(params: JsonObject): number | undefined {
  const crc32 = optionalInteger(params, 'crc32')
  if (crc32 !== undefined && (crc32 < 0 || crc32 > 0xffffffff))
    throw badParameter('crc32 must be an unsigned 32-bit number.')
  return crc32
}
