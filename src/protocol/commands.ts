// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../base/json.ts'

/** One TR50 command. Absent and undefined parameters are not sent [TR50 2.2]. */
export interface Command {
  readonly command: string
  readonly params?: JsonObject | null
}

// The commands that ask or steer; those that publish are in publish-commands.ts. Members are in the order of the wire [TR50 appendix A].

/** [TR50 diag.ping] */
export const diagPing = (): Command => ({ command: 'diag.ping' })

/** Answers `{ time }`, milliseconds since 1970 [TR50 diag.time]. The server takes missing params like null [TR50 2.2]. */
export const diagTime = (): Command => ({ command: 'diag.time' })

/** Answers the same object [TR50 diag.echo]. */
export const diagEcho = (params: JsonObject): Command => ({ command: 'diag.echo', params })

const current = (command: string, thingKey: string, key: string, ts?: string): Command => ({
  command,
  params: { thingKey, key, ts },
})

/** Answers `{ value, ts, corrId? }` [TR50 property.current]. */
export const propertyCurrent = (thingKey: string, key: string, ts?: string): Command =>
  current('property.current', thingKey, key, ts)

/** Answers `{ value, ts? }`; no ts when it is the default of the thing definition [TR50 attribute.current]. */
export const attributeCurrent = (thingKey: string, key: string, ts?: string): Command =>
  current('attribute.current', thingKey, key, ts)

export interface FilePut {
  readonly fileName: string
  /** Downloadable without a session (default false). */
  readonly public?: boolean | undefined
  /** Unsigned CRC-32 of the content. */
  readonly crc32?: number | undefined
  /** The store of the organisation instead of the thing's own (default false). */
  readonly global?: boolean | undefined
  readonly tags?: readonly string[] | undefined
  readonly secTags?: readonly string[] | undefined
  /** An entry in the log of the thing when the file is stored. */
  readonly logComplete?: boolean | undefined
}

/** Answers `{ fileId }` [TR50 file.put]. `public` and `global` are always said, as the Python agent does [TR50 appendix A]. */
export function filePut(thingKey: string, file: FilePut): Command {
  const { fileName, crc32, public: isPublic = false, global = false, tags, secTags, logComplete } = file
  return {
    command: 'file.put',
    params: { thingKey, fileName, public: isPublic, crc32, global, tags, secTags, logComplete },
  }
}

/** Answers `{ fileId, fileSize, crc32 }` [TR50 file.get]. */
export const fileGet = (
  thingKey: string,
  file: { readonly fileName: string; readonly global?: boolean | undefined },
): Command => ({
  command: 'file.get',
  params: { thingKey, fileName: file.fileName, global: file.global ?? false },
})

/** Answers `{ messages }`; the messages stay open until acknowledged [TR50 mailbox.check]. */
export const mailboxCheck = (limit?: number): Command => ({
  command: 'mailbox.check',
  params: { autoComplete: false, limit },
})

export interface MailboxAck {
  readonly id: string
  readonly errorCode: number
  readonly errorMessage?: string | undefined
  /** For the caller of `method.exec`. */
  readonly params?: JsonObject | undefined
}

/** The final answer to a mailbox message [TR50 mailbox.ack]. */
export const mailboxAck = ({ id, errorCode, errorMessage, params }: MailboxAck): Command => ({
  command: 'mailbox.ack',
  params: { id, errorCode, errorMessage, params },
})

/** A line of progress; completes nothing [TR50 mailbox.update]. */
export const mailboxUpdate = (update: { readonly id: string; readonly msg: string }): Command => ({
  command: 'mailbox.update',
  params: { id: update.id, msg: update.msg },
})
